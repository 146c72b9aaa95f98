using System;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Threading;
using Hv.ShadowControl;
using Xunit;

namespace Hv.HostTests.Shadowctl;

/// <summary>Two trees that were one until the start: "old" is the primary's, "new" the promoted system's.</summary>
public sealed class FileCarrierTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("hv-carry-").FullName;
    private long _started;
    private CarryReport _report = new();

    public FileCarrierTests()
    {
        Directory.CreateDirectory(Old(""));
        Directory.CreateDirectory(New(""));
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void New_and_changed_files_of_the_primary_are_taken_over_with_all_their_properties()
    {
        Both("same", "1");
        Both("changed", "1");
        Start();
        Write(Old("changed"), "2");
        Write(Old("new"), "3");
        Shell("chmod 751 changed; touch -d '2001-02-03 04:05:06.789' changed; chown 12:34 new; ln -s nowhere link; mkdir dir; echo 4 >dir/file; chmod 2710 dir; touch -d 2002-02-02 dir");
        Carry();
        Assert.Equal("1", Read("same"));
        Assert.Equal("2", Read("changed"));
        Assert.Equal("3", Read("new"));
        Assert.Equal("4\n", Read("dir/file"));
        Assert.Equal(Properties(Old("")), Properties(New("")));
        Assert.Equal(4, _report.Taken);
        Nothing_was_lost();
    }

    [Fact]
    public void Extended_attributes_are_carried()
    {
        Start();
        Write(Old("file"), "1");
        if (!TrySetAttribute(Old("file")))
            return;
        Carry();
        Assert.Equal("user.origin=\"test\"", Run("getfattr", "-d", "--absolute-names", New("file")).Split('\n')[1]);
    }

    [Fact]
    public void What_only_this_system_has_changed_stays()
    {
        Both("file", "1");
        Both("deleted", "1");
        Start();
        Write(New("file"), "here");
        Write(New("own"), "here");
        File.Delete(New("deleted"));
        Carry();
        Assert.Equal("here", Read("file"));
        Assert.Equal("here", Read("own"));
        Assert.False(File.Exists(New("deleted")));
        Assert.Equal(0, _report.Taken + _report.Removed);
        Nothing_was_lost();
    }

    [Fact]
    public void What_has_changed_on_both_sides_is_kept_twice_and_reported()
    {
        Both("file", "1");
        Both("dir/file", "1");
        Start();
        Write(Old("file"), "primary");
        Write(New("file"), "shadow");
        Write(Old("made"), "primary");
        Write(New("made"), "shadow");
        Write(Old("dir/file"), "primary");
        File.Delete(New("dir/file"));
        Directory.CreateDirectory(New("dir/file"));
        Carry();
        Assert.Equal("shadow", Read("file"));
        Assert.Equal("primary", Read("file" + FileCarrier.Suffix));
        Assert.Equal("shadow", Read("made"));
        Assert.Equal("primary", Read("made" + FileCarrier.Suffix));
        Assert.Equal("primary", Read("dir/file" + FileCarrier.Suffix));
        Assert.Equal(["dir/file", "file", "made"], _report.Conflicts.Select(path => Path.GetRelativePath(New(""), path)[..^FileCarrier.Suffix.Length]).Order());

        // Once more, after a failure say, makes no third version.
        string[] before = Directory.GetFileSystemEntries(New(""), "*", SearchOption.AllDirectories);
        Carry();
        Assert.Equal(before.Order(), Directory.GetFileSystemEntries(New(""), "*", SearchOption.AllDirectories).Order());
        Assert.Empty(_report.Conflicts);
    }

    [Fact]
    public void An_earlier_version_beside_it_is_not_overwritten()
    {
        Both("file", "1");
        Both("file" + FileCarrier.Suffix, "last time");
        Start();
        Write(Old("file"), "primary");
        Write(New("file"), "shadow");
        Carry();
        Assert.Equal("last time", Read("file" + FileCarrier.Suffix));
        Assert.Equal("primary", Read("file" + FileCarrier.Suffix + ".2"));
    }

    [Fact]
    public void The_same_change_on_both_sides_is_no_conflict()
    {
        Both("file", "1");
        Start();
        Write(Old("file"), "2");
        Write(New("file"), "2");
        Carry();
        Assert.Empty(_report.Conflicts);
        Assert.Equal(0, _report.Taken);
    }

    [Fact]
    public void What_the_primary_has_deleted_is_deleted_unless_it_has_changed_here()
    {
        Both("file", "1");
        Both("changed", "1");
        Both("dir/deep/file", "1");
        Both("dir/deep/changed", "1");
        Both("empty/deep/file", "1");
        Start();
        foreach (string name in new[] { "file", "changed" })
            File.Delete(Old(name));
        Directory.Delete(Old("dir"), recursive: true);
        Directory.Delete(Old("empty"), recursive: true);
        Write(New("changed"), "2");
        Write(New("dir/deep/changed"), "2");
        Carry();
        Assert.False(File.Exists(New("file")));
        Assert.Equal("2", Read("changed"));
        Assert.False(File.Exists(New("dir/deep/file")));
        Assert.Equal("2", Read("dir/deep/changed"));
        Assert.False(Directory.Exists(New("empty")));
        Nothing_was_lost();
    }

    [Fact]
    public void A_rename_is_carried()
    {
        Both("before/file", "1");
        Start();
        Directory.Move(Old("before"), Old("after"));
        Carry();
        Assert.Equal("1", Read("after/file"));
        Assert.False(Directory.Exists(New("before")));
    }

    [Fact]
    public void A_change_below_a_directory_that_was_deleted_here_comes_back_without_the_rest()
    {
        Both("dir/deep/changed", "1");
        Both("dir/deep/other", "1");
        Start();
        Write(Old("dir/deep/changed"), "2");
        Directory.Delete(New("dir"), recursive: true);
        Carry();
        Assert.Equal("2", Read("dir/deep/changed"));
        Assert.False(File.Exists(New("dir/deep/other")));
    }

    [Fact]
    public void A_file_that_became_a_directory_is_one()
    {
        Both("thing", "1");
        Both("other", "1");
        Start();
        File.Delete(Old("thing"));
        Write(Old("thing/inside"), "2");
        File.Delete(Old("other"));
        Write(Old("other/inside"), "2");
        Write(New("other"), "here");
        Carry();
        Assert.Equal("2", Read("thing/inside"));
        Assert.Equal("here", Read("other"));
        Assert.Equal("2", Read("other" + FileCarrier.Suffix + "/inside"));
        Assert.Equal([New("other" + FileCarrier.Suffix)], _report.Conflicts);
    }

    [Fact]
    public void A_clock_that_was_behind_makes_both_sides_changed()
    {
        Both("file", "1");
        Both("gone", "1");
        Write(New("file"), "written by the shadow, whose clock was wrong");
        Start();
        Write(Old("file"), "primary");
        File.Delete(Old("gone"));
        Carry(slack: TimeSpan.FromHours(1));
        Assert.Equal("primary", Read("file" + FileCarrier.Suffix));
        Assert.StartsWith("written by the shadow", Read("file"), StringComparison.Ordinal);
        Assert.Equal("1", Read("gone"));
    }

    [Fact]
    public void Links_in_the_way_are_never_followed()
    {
        string outside = Path.Combine(_root, "outside");
        Directory.CreateDirectory(outside);
        Both("dir/file", "1");
        Start();
        Write(Old("dir/file"), "primary");
        Write(Old("file"), "primary");
        Directory.Delete(New("dir"), recursive: true);
        Directory.CreateSymbolicLink(New("dir"), outside);
        File.CreateSymbolicLink(New("file"), Path.Combine(outside, "target"));
        Carry();
        Assert.Empty(Directory.GetFileSystemEntries(outside));
        Assert.Equal("primary", Read("dir" + FileCarrier.Suffix + "/file"));
        Assert.Equal("primary", Read("file" + FileCarrier.Suffix));
    }

    [Fact]
    public void A_directory_that_one_side_lacks_is_left_alone()
    {
        Start();
        new FileCarrier(_started, 0, _report, sharesInodes: false).Carry(Old("none"), New(""));
        new FileCarrier(_started, 0, _report, sharesInodes: false).Carry(Old(""), New("none"));
        Assert.Empty(Directory.GetFileSystemEntries(New("")));
        Nothing_was_lost();
    }

    private void Nothing_was_lost()
    {
        Assert.Empty(_report.Problems);
        Assert.Empty(_report.Conflicts);
    }

    private void Carry(TimeSpan slack = default)
    {
        _report = new CarryReport();
        new FileCarrier(_started, slack.Ticks * 100, _report, sharesInodes: false).Carry(Old(""), New(""));
    }

    /// <summary>The start: what is written later has a later status change time than this file.</summary>
    private void Start()
    {
        Thread.Sleep(20);
        var storage = new LinuxStorage(_root);
        storage.MarkStart();
        _started = storage.StartMark()!.Value;
        Thread.Sleep(20);
    }

    private void Both(string name, string text)
    {
        Write(Old(name), text);
        Write(New(name), text);
    }

    private string Old(string name) => Path.Combine(_root, "old", name);

    private string New(string name) => Path.Combine(_root, "new", name);

    private string Read(string name) => File.ReadAllText(New(name));

    private static void Write(string path, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }

    private void Shell(string script) => Run("sh", "-ec", $"cd '{Old("")}'; {script}");

    private static string Properties(string folder) => Run("sh", "-ec", $"cd '{folder}'; find . -mindepth 1 -printf '%p %m %U:%G %Ts %l\\n' | sort | grep -v '^./same '");

    private static bool TrySetAttribute(string path)
    {
        try
        {
            Run("setfattr", "-n", "user.origin", "-v", "test", path);
            return true;
        }
        catch (Exception problem) when (problem is System.ComponentModel.Win32Exception or InvalidOperationException)
        {
            return false;
        }
    }

    private static string Run(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? output : throw new InvalidOperationException($"{program}: {process.StandardError.ReadToEnd()}");
    }
}
