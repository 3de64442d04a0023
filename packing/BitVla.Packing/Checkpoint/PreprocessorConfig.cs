using BitVla.Format;

namespace BitVla.Packing.Checkpoint;

/// <summary>preprocessor_config.json and processor_config.json: how pixels become numbers.</summary>
internal sealed record PreprocessorConfig(double[] Mean, double[] Std, double Rescale)
{
    private const int Bicubic = 3;

    /// <summary>Reads both files and holds them against config.json.</summary>
    public static PreprocessorConfig Read(string preprocessorPath, string processorPath, CheckpointConfig config)
    {
        var processor = JsonField.Read(processorPath);
        processor.Demand("vision_feature_select_strategy", "full", "full");
        Equal(processor, "patch_size", config.PatchSize, ArtifactError.Contradiction);
        Equal(processor, "num_additional_image_tokens", 0, ArtifactError.Unsupported);

        var image = JsonField.Read(preprocessorPath);
        image.Demand("do_resize", true, true);
        image.Demand("do_rescale", true, true);
        image.Demand("do_normalize", true, true);
        string type = image.Text("image_processor_type", "SiglipImageProcessor");
        if (type is not ("SiglipImageProcessor" or "SiglipImageProcessorFast"))
        {
            throw image["image_processor_type"].Wrong(ArtifactError.Unsupported, "SiglipImageProcessor", type);
        }

        Equal(image, "resample", Bicubic, ArtifactError.Unsupported);
        Equal(image["size"], "height", config.ImageSize, ArtifactError.Contradiction);
        Equal(image["size"], "width", config.ImageSize, ArtifactError.Contradiction);
        double[] std = image["image_std"].Numbers(3);
        double rescale = image["rescale_factor"].Number();
        if (std.Any(s => s <= 0))
        {
            throw image["image_std"].Wrong(ArtifactError.InvalidValue, "positive numbers", string.Join(", ", std));
        }

        return rescale > 0
            ? new PreprocessorConfig(image["image_mean"].Numbers(3), std, rescale)
            : throw image["rescale_factor"].Wrong(ArtifactError.InvalidValue, "a positive number", $"{rescale}");
    }

    private static void Equal(JsonField parent, string name, int wanted, ArtifactError error)
    {
        if (parent.Optional(name) is { IsMissing: false } field && field.Integer(int.MinValue, int.MaxValue) != wanted)
        {
            throw field.Wrong(error, $"{wanted}", field.Describe());
        }
    }
}
