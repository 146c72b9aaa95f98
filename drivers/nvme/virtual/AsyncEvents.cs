using Hv.Drivers.Nvme.Spec;

namespace Hv.Drivers.Nvme.Virtual;

/// <summary>Asynchronous Event Requests that wait, and events that wait for one (NVM Express 1.4, 5.2).</summary>
/// <remarks>After an event has been reported, others of its type are held back until the guest has read the log page that it names.</remarks>
internal sealed class AsyncEvents
{
    /// <summary>How many requests may wait.</summary>
    public const int Limit = 4;
    /// <summary>Error event: a doorbell that does not exist was written.</summary>
    public const byte InvalidDoorbellRegister = 0;
    /// <summary>Error event: a doorbell was given a value that makes no sense.</summary>
    public const byte InvalidDoorbellValue = 1;

    private const uint ErrorType = 0;
    private const uint NoticeType = 2;
    private const byte NamespaceAttributeChanged = 0;

    private readonly ushort[] _requests = new ushort[Limit];
    private int _count;
    private bool _errorPending;
    private bool _errorMasked;
    private byte _errorInformation;
    private bool _namespacePending;
    private bool _namespaceMasked;

    public void Reset()
    {
        _count = 0;
        _errorPending = false;
        _errorMasked = false;
        _namespacePending = false;
        _namespaceMasked = false;
    }

    public void CopyFrom(AsyncEvents other)
    {
        for (int i = 0; i < Limit; i++)
            _requests[i] = other._requests[i];
        _count = other._count;
        _errorPending = other._errorPending;
        _errorMasked = other._errorMasked;
        _errorInformation = other._errorInformation;
        _namespacePending = other._namespacePending;
        _namespaceMasked = other._namespaceMasked;
    }

    /// <summary>Keeps a request until an event happens. False if too many wait already.</summary>
    public bool TryHold(ushort commandId)
    {
        if (_count == Limit)
            return false;
        _requests[_count++] = commandId;
        return true;
    }

    /// <summary>Takes a request out that the guest aborts. False if there is none with this identifier.</summary>
    public bool TryAbort(ushort commandId)
    {
        for (int i = 0; i < _count; i++)
        {
            if (_requests[i] != commandId)
                continue;
            Remove(i);
            return true;
        }
        return false;
    }

    /// <summary>The guest misused a doorbell.</summary>
    public void RaiseError(byte information)
    {
        _errorPending = true;
        _errorInformation = information;
    }

    /// <summary>A namespace came, went or changed.</summary>
    public void RaiseNamespaceChange() => _namespacePending = true;

    /// <summary>The guest read a log page and did not ask to retain its event.</summary>
    public void LogPageRead(byte page)
    {
        if (page == NvmeLogPage.ErrorInformation)
            _errorMasked = false;
        else if (page == NvmeLogPage.ChangedNamespaces)
            _namespaceMasked = false;
    }

    /// <summary>Whether <see cref="TryTake"/> would find an event and a request for it.</summary>
    public bool CanTake => _count > 0 && ((_errorPending && !_errorMasked) || (_namespacePending && !_namespaceMasked));

    /// <summary>Matches the oldest request with an event; <paramref name="result"/> is dword 0 of its completion.</summary>
    public bool TryTake(out ushort commandId, out uint result)
    {
        commandId = 0;
        result = 0;
        if (!CanTake)
            return false;
        commandId = _requests[0];
        Remove(0);
        if (_errorPending && !_errorMasked)
        {
            _errorPending = false;
            _errorMasked = true;
            result = Describe(ErrorType, _errorInformation, NvmeLogPage.ErrorInformation);
        }
        else
        {
            _namespacePending = false;
            _namespaceMasked = true;
            result = Describe(NoticeType, NamespaceAttributeChanged, NvmeLogPage.ChangedNamespaces);
        }
        return true;
    }

    private static uint Describe(uint type, byte information, byte page) => type | (uint)information << 8 | (uint)page << 16;

    private void Remove(int index)
    {
        _count--;
        for (int i = index; i < _count; i++)
            _requests[i] = _requests[i + 1];
    }
}
