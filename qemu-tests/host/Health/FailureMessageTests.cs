using System;
using System.Text;
using Hv.Drivers.Control;
using Hv.Shadow.Control;
using Xunit;

namespace Hv.HostTests.Health;

public sealed class FailureMessageTests
{
    private readonly FailureMessage _message = new();

    private string Text => Encoding.ASCII.GetString(_message.Text);

    [Fact]
    public void Parts_are_put_together()
    {
        _message.Append("At "u8);
        _message.AppendAddress(0xffffffff81234567);
        _message.Append("h.\0not this"u8);
        Assert.Equal("At ffffffff81234567h.", Text);
        _message.Clear();
        Assert.Equal("", Text);
    }

    [Fact]
    public void What_a_guest_gives_is_made_printable()
    {
        _message.Append([0x1b, (byte)'[', 0x80, 0xff, (byte)'\n', (byte)'~']);
        Assert.Equal("?[???~", Text);
    }

    [Fact]
    public void It_never_grows_beyond_the_status_block_s_room()
    {
        for (int i = 0; i < 20; i++)
        {
            _message.Append("fifteen letters"u8);
            _message.AppendAddress(1);
        }
        Assert.Equal(StatusBlock.MessageLength, _message.Text.Length);
    }
}
