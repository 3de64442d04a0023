using BitVla.Contracts;
using BitVla.Format;

namespace BitVla.Model.Text;

/// <summary>Instruction to token sequence: the model's prompt with its placeholders, the action slots and the stop token.</summary>
/// <remarks>
/// The template is cut at its image and proprio placeholders, which are added tokens and end any text, so the pieces between them
/// are encoded on their own: those without the instruction once, the one with it for each observation. The instruction is lower-cased
/// and not stripped, as the authors do. Buffers are made once, so assembling allocates nothing; one assembler serves one thread at a time.
/// Source: BITVLA.md section 8; bitnet_utils.py.
/// </remarks>
public sealed class PromptAssembler
{
    /// <summary>Id in the action slots. Its embedding is zeroed, so any id would do; this is the authors'.</summary>
    public const int SlotToken = 1;

    private const string Images = "{images}";
    private const string Proprio = "{proprio}";
    private const string Instruction = "{instruction}";

    // The authors replace this tag by an image placeholder before they tokenise, wherever it stands.
    private const string ImageTag = "<image>";
    private const string Field = "instruction";

    private readonly ModelManifest manifest;
    private readonly Tokenizer tokenizer;

    // The three pieces in order; the one that holds the instruction is null here.
    private readonly int[]?[] pieces = new int[]?[3];
    private readonly bool imagesFirst;
    private readonly string suffix;
    private readonly int prefixLength;
    private readonly char[] text = new char[Tokenizer.MaxTextCharacters];
    private readonly int[] encoded = new int[Tokenizer.MaxTokens];

    /// <summary>Reads the template and encodes what never changes.</summary>
    /// <param name="manifest">What the packed model says.</param>
    /// <param name="tokenizer">A tokenizer of the same model; the assembler becomes its only user.</param>
    /// <exception cref="ArtifactException">The template lacks a placeholder, repeats one, or is too long.</exception>
    public PromptAssembler(ModelManifest manifest, Tokenizer tokenizer)
    {
        this.manifest = manifest;
        this.tokenizer = tokenizer;
        string template = manifest.PromptTemplate;
        int images = PlaceOf(Images);
        int proprio = PlaceOf(Proprio);
        PlaceOf(Instruction);
        imagesFirst = images < proprio;
        string[] texts = template.Split([Images, Proprio], StringSplitOptions.None);
        if (template.Length > Tokenizer.MaxTextCharacters)
        {
            throw Wrong($"at most {Tokenizer.MaxTextCharacters} characters", $"{template.Length}");
        }

        suffix = "";
        for (int i = 0; i < texts.Length; i++)
        {
            int place = texts[i].IndexOf(Instruction, StringComparison.Ordinal);
            if (place >= 0)
            {
                prefixLength = place;
                texts[i].CopyTo(0, text, 0, place);
                suffix = texts[i][(place + Instruction.Length)..];
                RefusePlaceholders(encoded.AsSpan(0, tokenizer.Encode(texts[i], encoded)));
            }
            else
            {
                pieces[i] = encoded[..tokenizer.Encode(texts[i], encoded)];
                RefusePlaceholders(pieces[i]);
            }
        }

        int PlaceOf(string placeholder)
        {
            int place = template.IndexOf(placeholder, StringComparison.Ordinal);
            return place >= 0 && place == template.LastIndexOf(placeholder, StringComparison.Ordinal)
                ? place
                : throw Wrong($"{placeholder} once", place < 0 ? "none" : "several");
        }
    }

    /// <summary>Writes the sequence of an instruction.</summary>
    /// <remarks>Shape: ids [at least <see cref="ModelGeometry.MaxSequence"/>], of which the first S are written.</remarks>
    /// <exception cref="ObservationException">
    /// The instruction is blank, too long in characters or tokens, or brings placeholders of its own.
    /// </exception>
    /// <exception cref="ArgumentException">The buffer is shorter than the longest sequence.</exception>
    public PromptLayout Assemble(ReadOnlySpan<char> instruction, Span<int> ids)
    {
        if (ids.Length < manifest.Geometry.MaxSequence)
        {
            throw new ArgumentException($"A sequence has up to {manifest.Geometry.MaxSequence} ids, the buffer {ids.Length}.", nameof(ids));
        }

        var sentence = Encode(instruction);
        int tokens = 1 + sentence.Length;
        foreach (int[]? piece in pieces)
        {
            tokens += piece?.Length ?? 0;
        }

        if (tokens > ModelGeometry.MaxPromptTokens)
        {
            throw new ObservationException(
                Field, $"at most {ModelGeometry.MaxPromptTokens} prompt tokens with the template's", $"{tokens}");
        }

        ids[0] = manifest.BosToken;
        int at = Put(pieces[0] ?? sentence, ids, 1);
        int first = at;
        at = PutPlaceholders(imagesFirst, ids, at);
        at = Put(pieces[1] ?? sentence, ids, at);
        int second = at;
        at = PutPlaceholders(!imagesFirst, ids, at);
        at = Put(pieces[2] ?? sentence, ids, at);
        int slots = at;
        ids.Slice(slots, manifest.Geometry.ActionSlots).Fill(SlotToken);
        int stop = slots + manifest.Geometry.ActionSlots;
        ids[stop] = manifest.StopToken;
        return new PromptLayout(stop + 1, tokens, imagesFirst ? first : second, imagesFirst ? second : first, slots, stop);
    }

    private static int Put(ReadOnlySpan<int> piece, Span<int> ids, int at)
    {
        piece.CopyTo(ids[at..]);
        return at + piece.Length;
    }

    // The proprio placeholder stands in the prompt of every model, of those too that take no proprio.
    private int PutPlaceholders(bool images, Span<int> ids, int at)
    {
        int count = images ? manifest.Geometry.ImageTokens : 1;
        ids.Slice(at, count).Fill(images ? manifest.ImageToken : manifest.ProprioToken);
        return at + count;
    }

    private ReadOnlySpan<int> Encode(ReadOnlySpan<char> instruction)
    {
        if (instruction.IsWhiteSpace())
        {
            throw new ObservationException(Field, "a sentence", instruction.IsEmpty ? "nothing" : "white space only");
        }

        int room = text.Length - prefixLength - suffix.Length;
        int length = instruction.Length <= room ? LowerCase.Write(instruction, text.AsSpan(prefixLength, room)) : -1;
        if (length < 0)
        {
            throw new ObservationException(Field, $"at most {room} characters", $"{instruction.Length}");
        }

        if (text.AsSpan(prefixLength, length).IndexOf(ImageTag) >= 0)
        {
            throw new ObservationException(Field, "no image placeholder of its own", ImageTag);
        }

        suffix.CopyTo(text.AsSpan(prefixLength + length));
        var sentence = encoded.AsSpan(0, tokenizer.Encode(text.AsSpan(0, prefixLength + length + suffix.Length), encoded));
        RefuseToken(sentence, manifest.ImageToken, "image");
        RefuseToken(sentence, manifest.ProprioToken, "proprio");
        return sentence;
    }

    private static void RefuseToken(ReadOnlySpan<int> sentence, int token, string name)
    {
        int count = sentence.Count(token);
        if (count > 0)
        {
            throw new ObservationException(Field, $"no {name} placeholder of its own", $"{count}");
        }
    }

    private void RefusePlaceholders(ReadOnlySpan<int> piece)
    {
        if (piece.ContainsAny(manifest.ImageToken, manifest.ProprioToken))
        {
            throw Wrong($"placeholder tokens only as {Images} and {Proprio}", "one spelled out");
        }
    }

    private ArtifactException Wrong(string expected, string found) =>
        new(ArtifactError.InvalidValue, manifest.Name, ModelKeys.PromptTemplate, expected, found);
}
