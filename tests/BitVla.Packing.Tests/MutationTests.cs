using BitVla.Format;
using BitVla.Packing.Checkpoint;
using BitVla.TestKit;

namespace BitVla.Packing.Tests;

/// <summary>Seeded mutants of every kind of input file: each is read or refused with a typed error, and nothing else happens.</summary>
public sealed class MutationTests(ITestOutputHelper output)
{
    private const string Golden = "vla_nano_tight";
    private const string Head = "action_head--10000_checkpoint.pt";

    [Theory]
    [InlineData(1001, 10_000)]
    public void RestrictedUnpickler_Mutants_LoadOrAreRefused(int seed, int count)
    {
        byte[] original = ReadPickle();
        Drive(seed, count, original, mutant => RestrictedUnpickler.Load(mutant, "data.pkl"));
    }

    [Theory]
    [InlineData(1002, 10_000)]
    public void SafetensorsFile_HeaderMutants_ReadOrAreRefused(int seed, int count)
    {
        using var folder = new TempFolder();
        byte[] original = File.ReadAllBytes(Path.Combine(Repository.Golden(Golden, "checkpoint"), "model.safetensors"));
        int header = 8 + (int)BitConverter.ToInt64(original);
        string path = folder.At("m.safetensors");
        Drive(seed, count, original[..header], mutant =>
        {
            // Only header and length change; a hole stands for the data, whose bytes are never read here.
            using (var file = File.Create(path))
            {
                file.Write(mutant);
                file.SetLength(mutant.Length + original.Length - header);
            }

            using var source = SourceFile.Open(path);
            SafetensorsFile.Read(source);
        });
    }

    [Theory]
    [InlineData(1003, 3_000)]
    public void TorchArchive_Mutants_ReadOrAreRefused(int seed, int count)
    {
        using var folder = new TempFolder();
        string path = folder.At("m.pt");
        byte[] original = File.ReadAllBytes(Path.Combine(Repository.Golden(Golden, "checkpoint"), "proprio_projector--10000_checkpoint.pt"));
        Drive(seed, count, original, mutant =>
        {
            File.WriteAllBytes(path, mutant);
            using var source = SourceFile.Open(path);
            TorchArchive.Read(source);
        });
    }

    // Mutants of the archive's bytes mostly end at a CRC-32. Here one member is mutated and the archive made again around it, sums and all.
    [Theory]
    [InlineData(1009, 1_500, "proprio_projector--10000_checkpoint.pt")]
    [InlineData(1010, 1_500, Head)]
    public void TorchArchive_MutantMembersWithSoundSums_ReachTheTensorChecks(int seed, int count, string file)
    {
        using var folder = new TempFolder();
        string path = folder.At("m.pt");
        string original = Path.Combine(Repository.Golden(Golden, "checkpoint"), file);
        var members = Members(original);
        byte[] pickle = members.Single(m => m.Name == "data.pkl").Bytes;
        members.RemoveAll(m => m.Name == "data.pkl");
        HashSet<string> names;
        using (var source = SourceFile.Open(original))
        {
            names = TorchArchive.Read(source).Select(t => t.Name).ToHashSet(StringComparer.Ordinal);
        }

        var random = new Random(seed);
        int ofTensors = 0;
        var outcomes = Drive(seed, count, pickle, mutant =>
        {
            // Every fourth time a storage changes its length or vanishes instead of the pickle.
            var rest = members.ToList();
            if (random.Next(4) == 0)
            {
                mutant = pickle;
                int changed = random.Next(rest.Count);
                if (random.Next(2) == 0)
                {
                    rest.RemoveAt(changed);
                }
                else
                {
                    rest[changed] = (rest[changed].Name, Mutate(rest[changed].Bytes, random));
                }
            }

            Pickle.Archive(path, mutant, [.. rest]);
            using var source = SourceFile.Open(path);
            try
            {
                TorchArchive.Read(source);
            }
            catch (ArtifactException refusal) when (names.Contains(refusal.Field))
            {
                ofTensors++;
                throw;
            }
        });
        output.WriteLine($"{ofTensors} refusals name a tensor");
        Assert.DoesNotContain(nameof(ArtifactError.ChecksumMismatch), outcomes.Keys);
        Assert.True(outcomes.Count >= 10, $"only {outcomes.Count} outcomes");
        Assert.True(ofTensors >= count / 10, $"only {ofTensors} refusals name a tensor");
    }

    [Theory]
    [InlineData(1004, 1_000, "tokenizer.json")]
    [InlineData(1005, 1_000, "config.json")]
    [InlineData(1006, 1_000, "dataset_statistics.json")]
    [InlineData(1007, 400, "model.safetensors")]
    [InlineData(1008, 400, Head)]
    public void Pack_MutantOfOneFile_PacksOrIsRefusedAndLeavesNothing(int seed, int count, string file)
    {
        using var folder = new TempFolder();
        string checkpoint = folder.Copy(Golden);
        string path = Path.Combine(checkpoint, file);
        Drive(seed, count, File.ReadAllBytes(path), mutant =>
        {
            File.WriteAllBytes(path, mutant);
            string packed = folder.At("m.bitvla");
            try
            {
                TestPacker.Pack(checkpoint, packed, new PackOptions());
                File.Delete(packed);
            }
            finally
            {
                Assert.Empty(Directory.GetFiles(folder.Path));
            }
        });
    }

    private SortedDictionary<string, int> Drive(int seed, int count, byte[] original, Action<byte[]> read)
    {
        var random = new Random(seed);
        var outcomes = new SortedDictionary<string, int>();
        for (int i = 0; i < count; i++)
        {
            byte[] mutant = Mutate(original, random);
            string outcome = "accepted";
            try
            {
                read(mutant);
            }
            catch (ArtifactException refusal)
            {
                outcome = refusal.Error.ToString();
            }
            catch (Exception other) when (other is not Xunit.Sdk.IAssertionException)
            {
                Assert.Fail($"seed {seed}, mutant {i}: {other}");
            }

            outcomes[outcome] = outcomes.GetValueOrDefault(outcome) + 1;
        }

        output.WriteLine($"{count} mutants, seed {seed}: " + string.Join(", ", outcomes.Select(o => $"{o.Key} {o.Value}")));
        Assert.True(outcomes.Count > 1);
        return outcomes;
    }

    // One to four edits: a flipped bit, a random or an extreme byte, a cut, a repeated or a removed run, a digit changed.
    private static byte[] Mutate(byte[] original, Random random)
    {
        var bytes = new List<byte>(original);
        for (int edits = random.Next(1, 5); edits > 0 && bytes.Count > 0; edits--)
        {
            int at = random.Next(bytes.Count);
            int run = Math.Min(random.Next(1, 64), bytes.Count - at);
            switch (random.Next(8))
            {
                case 0:
                case 1:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 2:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 3:
                    bytes[at] = random.Next(2) == 0 ? (byte)0xFF : (byte)0;
                    break;
                case 4:
                    bytes.RemoveRange(at, run);
                    break;
                case 5:
                    bytes.InsertRange(at, bytes.GetRange(at, run));
                    break;
                case 6:
                    int digit = bytes.FindIndex(at, b => b is >= (byte)'0' and <= (byte)'9');
                    bytes[digit < 0 ? at : digit] = (byte)random.Next('0', '9' + 1);
                    break;
                default:
                    if (random.Next(8) == 0)
                    {
                        bytes.RemoveRange(at, bytes.Count - at);
                    }

                    break;
            }
        }

        return [.. bytes];
    }

    private static List<(string Name, byte[] Bytes)> Members(string archive)
    {
        var members = new List<(string, byte[])>();
        using var source = SourceFile.Open(archive);
        var zip = ZipDirectory.Read(source);
        foreach (var member in zip.Members.Values)
        {
            byte[] bytes = new byte[(int)member.Bytes];
            using var stream = zip.Open(member);
            stream.ReadExactly(bytes);
            members.Add((member.Name[(member.Name.IndexOf('/', StringComparison.Ordinal) + 1)..], bytes));
        }

        return members;
    }

    private static byte[] ReadPickle()
    {
        using var source = SourceFile.Open(Path.Combine(Repository.Golden(Golden, "checkpoint"), Head));
        var zip = ZipDirectory.Read(source);
        var member = zip.Members.Values.Single(m => m.Name.EndsWith("data.pkl", StringComparison.Ordinal));
        byte[] bytes = new byte[(int)member.Bytes];
        using var stream = zip.Open(member);
        stream.ReadExactly(bytes);
        return bytes;
    }
}
