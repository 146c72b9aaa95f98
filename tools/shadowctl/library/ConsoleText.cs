using System;
using System.Globalization;
using System.Text;

namespace Hv.ShadowControl;

/// <summary>
/// Makes text that another system has sent to its console fit for this one's terminal: control sequences (colours, cursor movements) are
/// dropped, other control characters are shown as in <c>cat -v</c>, and nothing that the text says is obeyed.
/// </summary>
/// <remarks>The text may come in pieces that are cut anywhere.</remarks>
public sealed class ConsoleText
{
    private const int LongestSequence = 64;
    private const char Escape = '\x1b', Bell = '\a';

    private enum State
    {
        Text,
        Escape,
        // ESC [ parameters and a final character (ECMA-48, 5.4).
        Sequence,
        // ESC ] or another opening delimiter, up to BEL or ESC \ (ECMA-48, 8.3.89).
        String,
        StringEscape,
    }

    private readonly Decoder _decoder = Encoding.UTF8.GetDecoder();
    private readonly StringBuilder _clean = new();
    private State _state;
    private int _length;

    /// <summary>The next piece, made harmless.</summary>
    public string Add(ReadOnlySpan<byte> bytes)
    {
        char[] characters = new char[_decoder.GetCharCount(bytes, flush: false)];
        _decoder.GetChars(bytes, characters, flush: false);
        foreach (char character in characters)
            Take(character);
        string clean = _clean.ToString();
        _clean.Clear();
        return clean;
    }

    private void Take(char character)
    {
        if (_state != State.Text && (++_length > LongestSequence || character is '\r' or '\n'))
            _state = State.Text;
        switch (_state)
        {
            case State.Text:
                if (character == Escape)
                    Begin(State.Escape);
                else
                    Show(character);
                break;
            case State.Escape:
                if (character == '[')
                    _state = State.Sequence;
                else if (character is ']' or 'P' or 'X' or '^' or '_')
                    _state = State.String;
                else if (character is < ' ' or > '/')
                    _state = State.Text;
                break;
            case State.Sequence:
                if (character is >= '@' and <= '~')
                    _state = State.Text;
                break;
            case State.String:
                if (character == Bell)
                    _state = State.Text;
                else if (character == Escape)
                    _state = State.StringEscape;
                break;
            case State.StringEscape:
                _state = character == '\\' ? State.Text : State.String;
                break;
        }
    }

    private void Begin(State state)
    {
        _state = state;
        _length = 0;
    }

    private void Show(char character)
    {
        switch (character)
        {
            case '\n' or '\t':
                _clean.Append(character);
                break;
            case '\r':
                break;
            case < ' ':
                _clean.Append('^').Append((char)(character + '@'));
                break;
            case '\x7f':
                _clean.Append("^?");
                break;
            default:
                if (IsHarmless(character))
                    _clean.Append(character);
                else
                    _clean.Append(CultureInfo.InvariantCulture, $"\\u{(int)character:x4}");
                break;
        }
    }

    // C1 control characters, and those that change the order of others, are not.
    private static bool IsHarmless(char character) => CharUnicodeInfo.GetUnicodeCategory(character) is not (UnicodeCategory.Control or
        UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator);
}
