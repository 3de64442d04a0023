using BitVla.Format;

namespace BitVla.Packing;

/// <summary>What a packing did.</summary>
/// <param name="Path">The file written.</param>
/// <param name="ModelId">Its id.</param>
/// <param name="Bytes">Its length.</param>
/// <param name="Tensors">Its tensors.</param>
/// <param name="Manifest">What it says about itself.</param>
/// <param name="LargestBufferBytes">The largest buffer that held weights at any time.</param>
/// <param name="Notes">Roundings, tensors and keys left out.</param>
public sealed record PackSummary(
    string Path, string ModelId, long Bytes, int Tensors, ModelManifest Manifest, long LargestBufferBytes, IReadOnlyList<string> Notes);
