using System.Runtime.InteropServices;

namespace BitVla.Model;

/// <summary>One native block for every buffer of a pass, sized at load. Two phases may share memory.</summary>
/// <remarks>Built by running the same layout twice: once to measure, once to place.</remarks>
internal sealed unsafe class Arena : IDisposable
{
    private const int Alignment = 64;
    private byte* block;
    private long at;
    private long peak;

    /// <summary>Bytes placed, at the widest phase.</summary>
    public long Bytes => peak;

    /// <summary>Takes the measured size from the system; pages become resident when first written.</summary>
    public void Commit()
    {
        block = (byte*)NativeMemory.AlignedAlloc((nuint)Math.Max(peak, Alignment), 4096);
        at = 0;
    }

    /// <summary>Place in the arena, to go back to with <see cref="Reset"/>.</summary>
    public long Mark() => at;

    /// <summary>Gives back what was placed since the mark: the next phase shares its memory.</summary>
    public void Reset(long mark) => at = mark;

    /// <summary>Places an array; null while measuring.</summary>
    public T* Place<T>(long count)
        where T : unmanaged
    {
        long start = at;
        at = (start + count * sizeof(T) + Alignment - 1) / Alignment * Alignment;
        peak = Math.Max(peak, at);
        return block == null ? null : (T*)(block + start);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        NativeMemory.AlignedFree(block);
        block = null;
    }
}
