using System;
using System.IO;

namespace Hv.ShadowControl;

/// <summary>Makes the journal's partition.</summary>
public sealed class JournalSetup(ISystem system, ControlClient client, TextWriter log)
{
    /// <summary>The size in MiB unless the user says otherwise, the least and the most.</summary>
    public const int DefaultMebibytes = 512, LeastMebibytes = 16, MostMebibytes = 2048;

    private const string Name = "Hv journal";

    /// <summary>The partition type; shadow/journal/JournalPartition.cs says the same.</summary>
    public static readonly Guid Type = new("48764A72-6E6C-4D31-9C5E-0B7A53D1F2A6");

    /// <summary>Makes a partition of <paramref name="mebibytes"/> MiB in free space of Hv's disk, unless there is one already, and has Hv use it.</summary>
    /// <exception cref="ControlException">There is no room, the partition table is damaged, or Hv does not take the partition.</exception>
    public void Run(int mebibytes)
    {
        using (IDisk disk = system.OpenDisk())
        {
            try
            {
                Make(disk, mebibytes);
            }
            catch (IOException problem)
            {
                throw new ControlException(ExitCode.Failed, $"The disk reported an error: {problem.Message}");
            }
        }
        client.FindJournal();
        log.WriteLine($"Hv uses a journal of {client.Status().JournalBytes >> 20} MiB");
    }

    private void Make(IDisk disk, int mebibytes)
    {
        var table = new GptEditor(disk);
        if (table.Find(Type) is not 0 and int existing)
        {
            log.WriteLine($"partition {existing} is a journal already");
            return;
        }
        (int number, ulong first, ulong sectors) = table.Add(Type, Guid.NewGuid(), Name, mebibytes);
        log.WriteLine($"partition {number} was made: {mebibytes} MiB from sector {first} on");
        disk.AnnouncePartition(number, first, sectors);
    }
}
