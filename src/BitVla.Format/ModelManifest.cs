namespace BitVla.Format;

/// <summary>Everything a packed file says besides its tensors and its tokenizer.</summary>
public sealed record ModelManifest
{
    /// <summary>The template of the released models; {images}, {proprio} and {instruction} are filled in per observation.</summary>
    /// <remarks>Source: BITVLA.md section 8; chat template of tokenizer_config.json and bitnet_utils.py.</remarks>
    public const string DefaultPromptTemplate =
        "System: A chat between a curious human and an artificial intelligence assistant. The assistant gives helpful, detailed, and polite "
        + "answers to the human's questions.<|eot_id|>User: {images}{proprio}What action should the robot take to {instruction}?<|eot_id|>Assistant: ";

    /// <summary>Gripper convention of LIBERO: above 0.5 is open (-1), below is close (+1).</summary>
    public const string LiberoGripper = "libero";

    /// <summary>The last action is published as the model gives it.</summary>
    public const string RawGripper = "raw";

    /// <summary>Name for people.</summary>
    public required string Name { get; init; }

    /// <summary>Dimensions.</summary>
    public required ModelGeometry Geometry { get; init; }

    /// <summary>Whether frames are centre-cropped unless the caller says otherwise.</summary>
    public required bool CenterCrop { get; init; }

    /// <summary>Pixel mean of each channel, after rescaling.</summary>
    public required double[] PixelMean { get; init; }

    /// <summary>Pixel standard deviation of each channel, after rescaling.</summary>
    public required double[] PixelStd { get; init; }

    /// <summary>Factor from grey levels.</summary>
    public required double PixelRescale { get; init; }

    /// <summary>Prompt with placeholders.</summary>
    public required string PromptTemplate { get; init; }

    /// <summary>What the last action means: <see cref="LiberoGripper"/> or <see cref="RawGripper"/>.</summary>
    public required string GripperConvention { get; init; }

    /// <summary>Id of the image placeholder.</summary>
    public required int ImageToken { get; init; }

    /// <summary>Id of the proprio placeholder.</summary>
    public required int ProprioToken { get; init; }

    /// <summary>Id of the stop token that closes the sequence.</summary>
    public required int StopToken { get; init; }

    /// <summary>Id of the begin token; the tokenizer puts it first.</summary>
    public required int BosToken { get; init; }

    /// <summary>Statistics, one entry an un-normalisation key.</summary>
    public required IReadOnlyList<ModelStatistics> Statistics { get; init; }

    /// <summary>Names of the checkpoint's files that went in.</summary>
    public required IReadOnlyList<string> SourceFiles { get; init; }

    /// <summary>Name and version of the program that wrote the file.</summary>
    public required string Packer { get; init; }
}
