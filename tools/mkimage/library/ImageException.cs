using System;

namespace Hv.Imaging;

/// <summary>Something about an image, or about what is to go into it, is wrong. The message is one sentence for the user.</summary>
public sealed class ImageException(string message) : Exception(message);
