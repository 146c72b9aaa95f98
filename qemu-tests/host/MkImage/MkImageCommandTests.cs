using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Text.Json;
using Xunit;

namespace Hv.HostTests.MkImage;

/// <summary>mkimage as a user runs it.</summary>
public sealed class MkImageCommandTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("hv-mkimage-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void An_image_that_was_created_can_be_listed_and_verified()
    {
        File.WriteAllBytes(In("Hv.efi"), new byte[100_000]);
        Directory.CreateDirectory(In("extra/inner"));
        File.WriteAllText(In("extra/inner/note.txt"), "hello");
        Assert.Equal((0, ""), Run(out _, "create", "--efi", In("Hv.efi"), "--out", In("hv.img"), "--add", In("extra") + "=\\docs", "--size", "40"));
        Assert.Equal(40 << 20, new FileInfo(In("hv.img")).Length);
        Assert.Equal((0, ""), Run(out string listed, "list", In("hv.img"), "--json"));
        JsonElement files = JsonDocument.Parse(listed).RootElement.GetProperty("files");
        Assert.Equal(["docs/inner/note.txt", "EFI/BOOT/BOOTX64.EFI"], files.EnumerateArray().Select(file => file.GetProperty("path").GetString()));
        Assert.Equal((0, ""), Run(out string verified, "verify", In("hv.img")));
        Assert.Equal("The image is good.\n", verified);
    }

    [Fact]
    public void An_image_can_have_Hv_start_the_processors_itself()
    {
        File.WriteAllBytes(In("Hv.efi"), [1]);
        Assert.Equal((0, ""), Run(out _, "create", "--efi", In("Hv.efi"), "--out", In("hv.img"), "--own-start"));
        Assert.Equal((0, ""), Run(out string listed, "list", In("hv.img"), "--json"));
        JsonElement files = JsonDocument.Parse(listed).RootElement.GetProperty("files");
        // The loader looks for a file of this name.
        Assert.Contains("EFI/HV/OWNSTART", files.EnumerateArray().Select(file => file.GetProperty("path").GetString()));
    }

    [Fact]
    public void A_damaged_image_does_not_pass()
    {
        File.WriteAllBytes(In("Hv.efi"), [1]);
        Run(out _, "create", "--efi", In("Hv.efi"), "--out", In("hv.img"));
        using (FileStream image = File.OpenWrite(In("hv.img")))
        {
            image.Position = 520;
            image.WriteByte(0xff);
        }
        Assert.Equal((1, ""), Run(out string verified, "verify", In("hv.img"), "--json"));
        Assert.False(JsonDocument.Parse(verified).RootElement.GetProperty("ok").GetBoolean());
    }

    [Theory]
    [InlineData(2, "")]
    [InlineData(2, "create")]
    [InlineData(2, "create --efi a --out b --add c")]
    [InlineData(2, "frobnicate")]
    [InlineData(3, "create --efi /nonexistent/Hv.efi --out b")]
    [InlineData(3, "list /nonexistent/image")]
    [InlineData(1, "list /dev/null")]
    public void A_mistake_is_one_line_and_an_exit_code(int code, string arguments)
    {
        (int Code, string Error) result = Run(out string output, arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal(code, result.Code);
        Assert.Empty(output);
        Assert.StartsWith("mkimage: ", result.Error, StringComparison.Ordinal);
        Assert.Single(result.Error.TrimEnd().Split('\n'));
    }

    [Fact]
    public void A_failure_leaves_an_earlier_image_as_it_was()
    {
        File.WriteAllBytes(In("Hv.efi"), [1]);
        File.WriteAllText(In("hv.img"), "earlier");
        Assert.Equal(1, Run(out _, "create", "--efi", In("Hv.efi"), "--out", In("hv.img"), "--size", "5").Code);
        Assert.Equal("earlier", File.ReadAllText(In("hv.img")));
        Assert.Equal(2, Directory.GetFiles(_folder).Length);
    }

    [Fact]
    public void Help_names_commands_and_exit_codes()
    {
        Assert.Equal((0, ""), Run(out string help, "--help"));
        foreach (string word in new[] { "create", "list", "verify", "Exit codes" })
            Assert.Contains(word, help, StringComparison.Ordinal);
    }

    private string In(string name) => Path.Combine(_folder, name);

    private static (int Code, string Error) Run(out string output, params IEnumerable<string> arguments)
    {
        string program = typeof(Hv.MkImage.Program).Assembly.Location;
        var start = new ProcessStartInfo("dotnet", [program, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, error.Result);
    }
}
