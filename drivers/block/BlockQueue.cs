namespace Hv.Drivers.Block;

/// <summary>Requests in the order of their arrival, linked by <see cref="BlockRequest.Next"/>: nothing to allocate, no limit.</summary>
public struct BlockQueue
{
    private BlockRequest? _first;
    private BlockRequest? _last;

    /// <summary>Whether nothing waits.</summary>
    public readonly bool IsEmpty => _first is null;

    /// <summary>Puts a request at the end. It is in no other queue.</summary>
    public void Add(BlockRequest request)
    {
        request.Next = null;
        if (_last is null)
            _first = request;
        else
            _last.Next = request;
        _last = request;
    }

    /// <summary>Takes the first request out; null if nothing waits.</summary>
    public BlockRequest? Take()
    {
        BlockRequest? request = _first;
        if (request is null)
            return null;
        _first = request.Next;
        if (_first is null)
            _last = null;
        request.Next = null;
        return request;
    }
}
