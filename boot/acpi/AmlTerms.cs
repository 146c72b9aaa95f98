using System;

namespace Hv.Boot.Acpi;

/// <summary>
/// Goes through the scopes, devices, methods and names that a piece of AML defines, without executing it. What is defined within If, While and other
/// terms is found, too, as if it were not; what is in the bodies of scopes and devices is not gone through.
/// </summary>
/// <remarks>Terms are recognized by opcode, length and name; other bytes are passed over one by one.</remarks>
public ref struct AmlTerms
{
    private readonly ReadOnlySpan<byte> _code;
    private readonly AmlPath _scope;
    private AmlPath _path;
    private int _at;

    /// <summary>For the terms of <paramref name="code"/>, whose names are below <paramref name="scope"/>.</summary>
    public AmlTerms(ReadOnlySpan<byte> code, in AmlPath scope)
    {
        _code = code;
        _scope = scope;
    }

    /// <summary>What the term is.</summary>
    public AmlTermKind Kind { get; private set; }

    /// <summary>Its name.</summary>
    public readonly AmlPath Path => _path;

    /// <summary>What comes behind the name, to the end of the term; of a name, to the end of the code.</summary>
    public ReadOnlySpan<byte> Body { get; private set; }

    /// <summary>Goes to the next term; false at the end.</summary>
    public bool Next()
    {
        for (; _at < _code.Length; _at++)
        {
            int i = _at + 1;
            switch (_code[_at])
            {
                case AmlOpcode.Scope:
                    Kind = AmlTermKind.Scope;
                    break;
                case AmlOpcode.Method:
                    Kind = AmlTermKind.Method;
                    break;
                case AmlOpcode.Name:
                    Kind = AmlTermKind.Name;
                    break;
                case AmlOpcode.ExtendedPrefix when i < _code.Length && _code[i] == AmlOpcode.Device:
                    Kind = AmlTermKind.Device;
                    i++;
                    break;
                case AmlOpcode.StringPrefix:
                    SkipString();
                    continue;
                default:
                    continue;
            }
            int end = _code.Length;
            if (Kind != AmlTermKind.Name && !AmlReader.TryReadPackage(_code, ref i, out end))
                continue;
            if (!TryReadName(ref i) || i > end)
                continue;
            Body = _code.Slice(i, end - i);
            if (Kind == AmlTermKind.Name)
                AmlReader.SkipData(_code, ref i);
            _at = Kind == AmlTermKind.Name ? i : end;
            return true;
        }
        return false;
    }

    // A scope may be the root: a root prefix, then a null name.
    private bool TryReadName(ref int at)
    {
        if (Kind == AmlTermKind.Scope && at + 1 < _code.Length && _code[at] == AmlOpcode.RootPrefix && _code[at + 1] == 0)
        {
            _path = default;
            at += 2;
            return true;
        }
        return AmlReader.TryReadName(_code, ref at, in _scope, out _path);
    }

    // To its last character: the loop goes on from there.
    private void SkipString()
    {
        int end = _at;
        AmlReader.SkipData(_code, ref end);
        if (end > _at)
            _at = end - 1;
    }
}
