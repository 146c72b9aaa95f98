using System;
using System.Collections.Generic;
using System.CommandLine;
using System.IO;
using System.Text.Json;
using Hv.Imaging;

namespace Hv.MkImage;

/// <summary>The command line of mkimage.</summary>
public static class Program
{
    private const string Description = """
        Makes, lists and checks the image of a USB stick that starts Hv.

        The image has a protective MBR, a GUID partition table with its backup, and one EFI system
        partition with a FAT32 file system. The same files always give the same image.

        Exit codes: 0 done; 1 the image is damaged or cannot be made from these files;
        2 wrong command line; 3 a file cannot be read or written.
        """;

    /// <summary>Runs the command line.</summary>
    public static int Main(string[] arguments)
    {
        ParseResult parsed = CommandLine().Parse(arguments);
        if (parsed.Errors.Count > 0)
        {
            Console.Error.WriteLine($"mkimage: {parsed.Errors[^1].Message} Try 'mkimage --help'.");
            return ExitCode.Usage;
        }
        try
        {
            return parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
        }
        catch (ImageException problem)
        {
            Console.Error.WriteLine("mkimage: " + problem.Message);
            return ExitCode.BadImage;
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine("mkimage: " + problem.Message);
            return ExitCode.InputOutput;
        }
    }

    private static RootCommand CommandLine()
    {
        var json = new Option<bool>("--json") { Description = "Print the result as JSON, for programs.", Recursive = true };
        return new RootCommand(Description) { json, Create(json), List(json), Verify(json) };
    }

    private static Command Create(Option<bool> json)
    {
        var efi = new Option<FileInfo>("--efi") { Description = "The EFI program; becomes \\EFI\\BOOT\\BOOTX64.EFI.", Required = true, HelpName = "FILE" };
        var output = new Option<FileInfo>("--out") { Description = "The image to write.", Required = true, HelpName = "IMAGE" };
        var add = new Option<string[]>("--add")
        {
            Description = "Another file or directory for the image, with its path in the image. May be given many times.",
            HelpName = "SOURCE=PATH",
        };
        var size = new Option<int?>("--size") { Description = "The size of the image in MiB. Default: as small as it can be.", HelpName = "MIB" };
        var ownStart = new Option<bool>("--own-start")
        {
            Description = "Hv starts the machine's processors itself, as it does on firmware without MP services. For firmware whose MP services are broken, and for tests.",
        };
        add.Validators.Add(result =>
        {
            foreach (var token in result.Tokens)
            {
                int equals = token.Value.IndexOf('=');
                if (equals <= 0 || equals == token.Value.Length - 1)
                    result.AddError($"'--add {token.Value}' is not of the form SOURCE=PATH.");
            }
        });
        var command = new Command("create", "Makes an image.") { efi, output, add, size, ownStart };
        command.SetAction(parsed =>
        {
            var files = new List<ImageFile> { new(BootImage.LoaderPath, File.ReadAllBytes(parsed.GetValue(efi)!.FullName)) };
            foreach (string pair in parsed.GetValue(add) ?? [])
            {
                int equals = pair.IndexOf('=');
                Add(files, pair[..equals], pair[(equals + 1)..].Replace('\\', '/').Trim('/'));
            }
            if (parsed.GetValue(ownStart))
                files.Add(BootImage.OwnStart);
            long bytes = parsed.GetValue(size) is { } mebibytes ? (long)mebibytes << 20 : BootImage.SizeFor(files);
            Write(parsed.GetValue(output)!.FullName, bytes, files);
            Report(parsed.GetValue(json), parsed.GetValue(output)!, read: false);
            return ExitCode.Success;
        });
        return command;
    }

    private static Command List(Option<bool> json)
    {
        var image = new Argument<FileInfo>("image") { Description = "The image." };
        var command = new Command("list", "Lists the partition and the files of an image.") { image };
        command.SetAction(parsed =>
        {
            Report(parsed.GetValue(json), parsed.GetValue(image)!, read: true);
            return ExitCode.Success;
        });
        return command;
    }

    private static Command Verify(Option<bool> json)
    {
        var image = new Argument<FileInfo>("image") { Description = "The image." };
        var command = new Command("verify", "Checks an image: partition tables, file system, boot program.") { image };
        command.SetAction(parsed =>
        {
            string? problem = null;
            try
            {
                if (!HasLoader(Open(parsed.GetValue(image)!)))
                    problem = $"The image has no {BootImage.LoaderPath}.";
            }
            catch (ImageException found)
            {
                problem = found.Message;
            }
            if (parsed.GetValue(json))
            {
                WriteJson(writer =>
                {
                    writer.WriteBoolean("ok", problem == null);
                    writer.WriteString("problem", problem);
                });
            }
            else
            {
                Console.WriteLine(problem ?? "The image is good.");
            }
            return problem == null ? ExitCode.Success : ExitCode.BadImage;
        });
        return command;
    }

    private static bool HasLoader(BootImage image)
    {
        foreach (ImageFile file in image.Files)
        {
            if (file.Path.Equals(BootImage.LoaderPath, StringComparison.OrdinalIgnoreCase))
                return true;
        }
        return false;
    }

    private static void Add(List<ImageFile> files, string source, string path)
    {
        if (!Directory.Exists(source))
        {
            files.Add(new ImageFile(path, File.ReadAllBytes(source)));
            return;
        }
        string[] found = Directory.GetFiles(source, "*", SearchOption.AllDirectories);
        Array.Sort(found, StringComparer.Ordinal);
        foreach (string file in found)
            files.Add(new ImageFile(path + "/" + Path.GetRelativePath(source, file).Replace(Path.DirectorySeparatorChar, '/'), File.ReadAllBytes(file)));
    }

    // A failure leaves no half-made image behind, and an earlier one untouched.
    private static void Write(string path, long bytes, IReadOnlyCollection<ImageFile> files)
    {
        string partial = path + ".partial";
        try
        {
            using (FileStream disk = File.Create(partial))
                BootImage.Create(disk, bytes, files);
            File.Move(partial, path, overwrite: true);
        }
        catch
        {
            File.Delete(partial);
            throw;
        }
    }

    private static BootImage Open(FileInfo file)
    {
        using FileStream disk = file.OpenRead();
        return BootImage.Read(disk);
    }

    private static void Report(bool json, FileInfo file, bool read)
    {
        BootImage image = Open(file);
        if (json)
        {
            WriteJson(writer => Describe(writer, file, image));
            return;
        }
        if (!read)
        {
            Console.WriteLine($"{file.Name}: {file.Length >> 20} MiB, {image.Files.Count} file(s).");
            return;
        }
        Console.WriteLine($"disk       {image.Table.DiskId}");
        Console.WriteLine($"partition  {image.Partition.Id}  EFI system, sectors {image.Partition.FirstSector} to {image.Partition.LastSector}, FAT32 '{image.Label}'");
        foreach (ImageFile item in image.Files)
            Console.WriteLine($"{item.Contents.Length,10}  /{item.Path}");
    }

    private static void Describe(Utf8JsonWriter writer, FileInfo file, BootImage image)
    {
        writer.WriteString("image", file.FullName);
        writer.WriteNumber("bytes", file.Length);
        writer.WriteString("disk_id", image.Table.DiskId);
        writer.WriteString("partition_id", image.Partition.Id);
        writer.WriteNumber("first_sector", image.Partition.FirstSector);
        writer.WriteNumber("last_sector", image.Partition.LastSector);
        writer.WriteStartArray("files");
        foreach (ImageFile item in image.Files)
        {
            writer.WriteStartObject();
            writer.WriteString("path", item.Path);
            writer.WriteNumber("bytes", item.Contents.Length);
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
    }

    private static void WriteJson(Action<Utf8JsonWriter> members)
    {
        using Stream output = Console.OpenStandardOutput();
        using var writer = new Utf8JsonWriter(output, new JsonWriterOptions { Indented = true });
        writer.WriteStartObject();
        members(writer);
        writer.WriteEndObject();
        writer.Flush();
        output.Write("\n"u8);
    }
}
