namespace Hv.Imaging;

/// <summary>A file in an image.</summary>
/// <param name="Path">Its path, with <c>/</c> between the parts and none in front.</param>
/// <param name="Contents">Its bytes.</param>
public sealed record ImageFile(string Path, byte[] Contents);
