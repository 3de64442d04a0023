using System.Buffers.Binary;
using BitVla.Format;
using BitVla.TestKit;

namespace BitVla.Packing.Tests.Tools;

/// <summary>Any byte string loads or is refused by name; nothing crashes, hangs or reads past the file.</summary>
public sealed class ReaderFuzzTests(ITestOutputHelper output)
{
    private const int Mutants = 10_000;
    private static readonly ulong[] Temptations =
    [
        0, 1, 2, 7, 8, 12, 63, 64, 255, 256, 4095, 4096, 65535, 65536, 1 << 20, int.MaxValue, 1UL << 31, uint.MaxValue, 1UL << 32, 1UL << 40,
        1UL << 60, long.MaxValue, 1UL << 63, ulong.MaxValue, 0x7FF0000000000000, 0x7FF8000000000000, 0x7F800000, 0x7FC00000,
    ];

    // Method: one to three seeded cuts in a sound minimal file in guarded memory; two mutants of three get their checksums made again so
    // that the checks behind them are reached. Whatever opens is then used as the engine and the tools use it.
    [Fact]
    public void Reader_SeededMutants_LoadOrAreRefused()
    {
        var surgeon = new PackedFileSurgeon(SmallModels.Write(SmallModels.Minimal, 21));
        var random = new Random(20250103);
        var outcomes = new SortedDictionary<string, int>(StringComparer.Ordinal);
        int resealed = 0;
        for (int i = 0; i < Mutants; i++)
        {
            byte[] file = Mutate(surgeon, random, out bool again);
            resealed += again ? 1 : 0;
            string outcome;
            try
            {
                outcome = Use(file);
            }
            catch (ArtifactException e)
            {
                Assert.NotEmpty(e.Field);
                outcome = e.Error.ToString();
            }

            outcomes[outcome] = outcomes.GetValueOrDefault(outcome) + 1;
        }

        foreach (var (outcome, count) in outcomes)
        {
            output.WriteLine($"{outcome,-20} {count}");
        }

        output.WriteLine($"checksums made again {resealed} of {Mutants}");
        Assert.True(resealed >= Mutants / 2, $"{resealed}");
        Assert.True(outcomes.Count >= 12, $"only {outcomes.Count} outcomes");
    }

    private static string Use(byte[] file)
    {
        using var memory = new MemoryModel(file);
        var model = memory.Model;
        model.CheckTensors(CancellationToken.None);
        for (int row = 0; row < model.Manifest.Geometry.VocabRows; row++)
        {
            unsafe
            {
                _ = model.EmbeddingRow(row)[model.Manifest.Geometry.Width - 1];
            }
        }

        for (int id = 0; id < model.Tokenizer.Count; id++)
        {
            _ = model.Tokenizer.Find(model.Tokenizer.Token(id));
            _ = model.Tokenizer.MergeRank(id, id + 1);
        }

        _ = new InspectReport(model, (_, _) => { }, CancellationToken.None);
        var failures = ModelVerifier.Check(model, all: true, (_, _) => { }, CancellationToken.None);
        return failures.Count == 0 ? "(sound)" : $"(verify) {failures[0].Error}";
    }

    private static byte[] Mutate(PackedFileSurgeon surgeon, Random random, out bool resealed)
    {
        byte[] file = surgeon.Copy();
        resealed = random.Next(3) > 0;
        for (int cuts = random.Next(1, 4); cuts > 0; cuts--)
        {
            Cut(surgeon, random, file);
        }

        if (resealed)
        {
            // Half of them only in the directory: tensor damage then meets the tensors' own checksums.
            if (random.Next(2) == 0)
            {
                surgeon.ResealDirectory(file);
            }
            else
            {
                surgeon.Reseal(file);
            }
        }

        return random.Next(12) switch
        {
            0 => file[..random.Next(file.Length)],
            1 => [.. file, .. new byte[random.Next(1, 200)]],
            _ => file,
        };
    }

    private static void Cut(PackedFileSurgeon surgeon, Random random, byte[] file)
    {
        // The directory is where the reader can be led astray; most cuts go there.
        bool directory = random.Next(4) > 0;
        int at = directory ? random.Next(surgeon.DataStart) : random.Next(surgeon.DataStart, file.Length);
        switch (random.Next(6))
        {
            case 0:
                file[at] ^= (byte)(1 << random.Next(8));
                break;
            case 1:
                file[at] = (byte)random.Next(256);
                break;
            case 2:
                Tempt(file, at, random);
                break;
            case 3:
                // Right on a metadata value: the reader's own fields.
                var value = surgeon.MetadataValues[random.Next(surgeon.MetadataValues.Count)];
                Tempt(file, (int)value.Offset - (random.Next(3) == 0 ? 8 : 0), random);
                break;
            case 4:
                int length = Math.Min(random.Next(1, 64), file.Length - at);
                file.AsSpan(random.Next(file.Length - length), length).CopyTo(file.AsSpan(at));
                break;
            default:
                file.AsSpan(at, Math.Min(random.Next(1, 32), file.Length - at)).Fill((byte)(random.Next(2) * 255));
                break;
        }
    }

    private static void Tempt(byte[] file, int at, Random random)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, Temptations[random.Next(Temptations.Length)]);
        int width = Math.Min(random.Next(2) == 0 ? 4 : 8, file.Length - at);
        bytes[..width].CopyTo(file.AsSpan(at));
    }
}
