using BitVla.Format;
using BitVla.TestKit;

namespace BitVla.Packing.Tests.Tools;

/// <summary>A packed model read from guarded memory: reading past the file ends the test run.</summary>
internal sealed unsafe class MemoryModel : IDisposable
{
    // Tensors must lie on 64 bytes as on a map, so up to 63 bytes may stand between the file's end and the guard.
    private const int Alignment = 64;

    private readonly GuardedBuffer<byte> memory;

    public MemoryModel(ReadOnlySpan<byte> file)
    {
        memory = new GuardedBuffer<byte>((file.Length + Alignment - 1) / Alignment * Alignment);
        try
        {
            memory.Span.Fill(0xFF);
            file.CopyTo(memory.Span);
            Model = PackedModel.FromMemory(memory.Start, file.Length, "memory");
        }
        catch
        {
            memory.Dispose();
            throw;
        }
    }

    public PackedModel Model { get; }

    public static IReadOnlyList<ArtifactException> Verify(ReadOnlySpan<byte> file, bool all)
    {
        using var model = new MemoryModel(file);
        return ModelVerifier.Check(model.Model, all, (_, _) => { }, CancellationToken.None);
    }

    public void Dispose()
    {
        Model.Dispose();
        memory.Dispose();
    }
}
