using System;
using System.Linq;
using System.Text;
using Hv.ShadowControl;
using Xunit;

namespace Hv.HostTests.Shadowctl;

public sealed class ConsoleTextTests
{
    [Theory]
    [InlineData("plain\r\n\ttext\n", "plain\n\ttext\n")]
    [InlineData("[\x1b[0;32m  OK  \x1b[0m] Started", "[  OK  ] Started")]
    [InlineData("\x1b]0;title\aafter", "after")]
    [InlineData("\x1b]0;title\x1b\\after", "after")]
    [InlineData("\x1bPq#0;2;0;0;0\x1b\\x", "x")]
    [InlineData("\x1b(Bx\x1b" + "7y\x1b=z\x1b" + "c.", "xyz.")]
    [InlineData("bell\a null\0 delete\x7f back\b", "bell^G null^@ delete^? back^H")]
    [InlineData("gr\u00fc\u00df", "gr\u00fc\u00df")]
    [InlineData("c1 \u009b31m", "c1 \\u009b31m")]
    [InlineData("a\u202eb\u2066c\u200bd", "a\\u202eb\\u2066c\\u200bd")]
    [InlineData("\x1b[31\nnext", "\nnext")]
    public void Text_is_made_harmless(string raw, string clean) => Assert.Equal(clean, Clean(Encoding.UTF8.GetBytes(raw)));

    [Fact]
    public void A_sequence_that_never_ends_swallows_little()
    {
        string clean = Clean(Encoding.ASCII.GetBytes("\x1b]0;" + new string('x', 500)));
        Assert.InRange(clean.Length, 400, 500);
    }

    [Fact]
    public void Bytes_that_are_no_UTF_8_are_replaced() => Assert.Equal("a\ufffdb", Clean([(byte)'a', 0xFF, (byte)'b']));

    [Fact]
    public void Pieces_may_be_cut_anywhere()
    {
        byte[] raw = Encoding.UTF8.GetBytes("\x1b[1;31mgr\u00fcn\x1b[0m\x1b]0;t\x1b\\\r\nend");
        var text = new ConsoleText();
        string clean = string.Concat(raw.Select(value => text.Add([value])));
        Assert.Equal("gr\u00fcn\nend", clean);
    }

    [Fact]
    public void No_random_bytes_get_a_control_character_through()
    {
        byte[] raw = new byte[100_000];
        new Random(5).NextBytes(raw);
        Assert.DoesNotContain(Clean(raw), character => char.IsControl(character) && character is not ('\n' or '\t'));
    }

    private static string Clean(byte[] raw) => new ConsoleText().Add(raw);
}
