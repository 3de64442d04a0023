using System.Text;
using BitVla.Format;

namespace BitVla.Packing.Synth;

/// <summary>A small byte-level tokenizer: all bytes, and the words of the prompt template and of LIBERO as single tokens.</summary>
/// <remarks>
/// Words are emitted whole because ignore_merges is true; there are no merges, so any other word falls apart into its bytes. Added tokens
/// close the table in the order of the released vocabulary: with 128264 rows each has the id it has there.
/// </remarks>
internal sealed class SynthTokenizer
{
    /// <summary>Action tokens of the released vocabulary; they end its table.</summary>
    private const int ReleasedActionTokens = 252;

    // The rows from which a vocabulary has room for the released number of action tokens beside the words.
    private const int LargeVocabulary = 4096;
    private const int SmallActionTokens = 20;

    private static readonly string[] LeadingAdded =
    [
        "<|begin_of_text|>", "<|end_of_text|>", "<|pad|>", "<|reserved_special_token_1|>", "<|reserved_special_token_2|>",
        "<|reserved_special_token_3|>", "<|start_header_id|>", "<|end_header_id|>", "<|reserved_special_token_4|>", "<|eot_id|>",
        "<|image_pad|>", "<proprio_pad>",
    ];

    private static readonly char[] Punctuation = [' ', '.', ',', ':', '?'];

    private SynthTokenizer(List<string> ordinary, int firstAdded, List<string> added)
    {
        Ordinary = ordinary;
        FirstAdded = firstAdded;
        Added = added;
    }

    /// <summary>Ordinary tokens in the byte-level alphabet, ids from 0.</summary>
    public IReadOnlyList<string> Ordinary { get; }

    /// <summary>Id of the first added token; ids between the ordinary ones and it are unused.</summary>
    public int FirstAdded { get; }

    /// <summary>Added tokens as plain text.</summary>
    public IReadOnlyList<string> Added { get; }

    /// <summary>Fewest rows a table must have.</summary>
    public static int LeastRows { get; } = Words().Count + LeadingAdded.Length + SmallActionTokens;

    /// <summary>Lays out a vocabulary that fills a table of embeddings exactly.</summary>
    /// <exception cref="UsageException">The table is too small.</exception>
    public static SynthTokenizer Create(int vocabRows)
    {
        var ordinary = Words();
        int actions = vocabRows >= LargeVocabulary ? ReleasedActionTokens : SmallActionTokens;
        int firstAdded = vocabRows - LeadingAdded.Length - actions;
        if (firstAdded < ordinary.Count)
        {
            throw new UsageException($"--vocab-rows {vocabRows} is too small: the words of the prompt and of LIBERO need {LeastRows}.");
        }

        return new SynthTokenizer(ordinary, firstAdded, [.. LeadingAdded, .. Enumerable.Range(0, actions).Select(i => $"<action_{i}>")]);
    }

    /// <summary>Id of an added token.</summary>
    public int Id(string added) => FirstAdded + Added.ToList().IndexOf(added);

    /// <summary>As the packed file holds it.</summary>
    public TokenizerContent ToContent()
    {
        int count = FirstAdded + Added.Count;
        var tokens = new byte[count][];
        var types = new int[count];
        Array.Fill(tokens, []);
        Array.Fill(types, TokenizerContent.UnusedType);
        for (int id = 0; id < Ordinary.Count; id++)
        {
            tokens[id] = Encoding.UTF8.GetBytes(Ordinary[id]);
            types[id] = TokenizerContent.NormalType;
        }

        for (int i = 0; i < Added.Count; i++)
        {
            tokens[FirstAdded + i] = Encoding.UTF8.GetBytes(Added[i]);
            types[FirstAdded + i] = TokenizerContent.AddedType;
        }

        return new TokenizerContent { Tokens = tokens, TokenTypes = types, MergePairs = [], IgnoreMerges = true };
    }

    private static List<string> Words()
    {
        // The alphabet of byte-level BPE: printable bytes stand for themselves, the others for U+0100 upwards; ids in that order.
        var alphabet = new Dictionary<byte, char>();
        foreach (int b in Enumerable.Range('!', 94).Concat(Enumerable.Range(0xA1, 12)).Concat(Enumerable.Range(0xAE, 82)))
        {
            alphabet.Add((byte)b, (char)b);
        }

        char next = (char)0x100;
        for (int b = 0; b <= byte.MaxValue; b++)
        {
            if (alphabet.TryAdd((byte)b, next))
            {
                next++;
            }
        }

        var ordered = new List<string>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        void Add(string token)
        {
            if (seen.Add(token))
            {
                ordered.Add(token);
            }
        }

        foreach (char letter in alphabet.Values)
        {
            Add(letter.ToString());
        }

        string template = ModelManifest.DefaultPromptTemplate;
        foreach (string placeholder in (string[])["{images}", "{proprio}", "{instruction}", "<|eot_id|>"])
        {
            template = template.Replace(placeholder, " ", StringComparison.Ordinal);
        }

        // The pre-tokenizer cuts "human's" into "human" and "'s".
        template = template.Replace("'s", " 's", StringComparison.Ordinal);
        var words = template.Split(Punctuation).Concat(LiberoInstructions.All.SelectMany(i => i.Split(' ')));
        foreach (string word in words.Where(w => w.Length > 0))
        {
            Add(word);
            Add(alphabet[(byte)' '] + word);
        }

        return ordered;
    }
}
