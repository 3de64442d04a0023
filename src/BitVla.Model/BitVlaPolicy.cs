using BitVla.Contracts;
using BitVla.Format.Layout;
using BitVla.Format;
using BitVla.Kernels.Dispatch;
using BitVla.Kernels.Threading;
using BitVla.Kernels;
using BitVla.Model.Action;
using BitVla.Model.Language;
using BitVla.Model.Preprocessing;
using BitVla.Model.Projection;
using BitVla.Model.Text;
using BitVla.Model.Vision;

namespace BitVla.Model;

/// <summary>The whole corridor from observation to action chunk, on a memory-mapped model.</summary>
/// <remarks>
/// Weights stay in the map; every buffer comes from one arena sized at load for the file's cameras, action slots and the prompt
/// limit. One pass at a time: the caller serialises.
/// </remarks>
public sealed unsafe class BitVlaPolicy : IPolicy
{
    // The released shape needs 89 MB; a header that asks for more than this is not a policy for a board.
    private const long MaxArenaBytes = 1L << 30;

    private readonly PackedModel model;
    private readonly ModelGeometry g;
    private readonly PolicyOptions options;
    private readonly Operations operations;
    private readonly Arena arena = new();
    private readonly ImagePreprocessor images;
    private readonly PromptAssembler prompt;
    private readonly ActionUnnormalizer unnormalizer;
    private readonly ProprioNormalizer? proprioNormalizer;
    private readonly bool[] rotate180;
    private readonly int[] ids;
    private Rooms rooms;

    private BitVlaPolicy(PackedModel model, PolicyOptions options, KernelChoice choice, ModelStatistics statistics)
    {
        this.model = model;
        this.options = options;
        var manifest = model.Manifest;
        g = manifest.Geometry;
        int threads = options.Threads ?? Math.Min(Environment.ProcessorCount, WorkerPool.MaxThreads);
        var limits = new OperationLimits(
            MaxColumns: Math.Max(Math.Max(g.FeedForward, g.VisionFeedForward), Math.Max(g.ActionDim * g.Width, g.PatchValues)),
            MaxKeys: Math.Max(g.MaxSequence, g.Patches),
            MaxKeyFeatures: Math.Max(g.KvWidth, g.Cameras.Count * g.VisionWidth));
        images = CreatePreprocessor(model, options);
        prompt = new PromptAssembler(manifest, new Tokenizer(model.Tokenizer));
        unnormalizer = new ActionUnnormalizer(statistics, manifest.GripperConvention);
        proprioNormalizer = g.ProprioDim > 0 ? new ProprioNormalizer(statistics) : null;
        rotate180 = [.. g.Cameras.Select(c => c.Rotate180 || options.Rotate180.Contains(c.Name))];
        ids = new int[g.MaxSequence];

        // Measured before anything of it is taken: the rooms of this first layout hold no memory and are dropped.
        operations = null!;
        _ = Place();
        long bytes = arena.Bytes + limits.PanelBytes;
        if (bytes > MaxArenaBytes)
        {
            throw new ArtifactException(
                ArtifactError.LimitExceeded, model.File, "geometry", $"a pass within {MaxArenaBytes} bytes of buffers", $"{bytes}");
        }

        operations = new Operations(choice, threads, limits);
        arena.Commit();
        rooms = Place();
        Description = new PolicyDescription(
            model.ModelId, [.. g.Cameras.Select(c => c.Name)], g.ProprioDim, g.ChunkLength, g.ActionDim,
            statistics.Name, manifest.GripperConvention, choice.Name, threads);
    }

    /// <inheritdoc/>
    public PolicyDescription Description { get; }

    /// <summary>The kernel in use and why.</summary>
    public KernelChoice KernelChoice => operations.Choice;

    /// <summary>The model.</summary>
    public PackedModel Model => model;

    /// <summary>Bytes of the buffers of a pass.</summary>
    public long ArenaBytes => arena.Bytes;

    /// <summary>Wall time of each stage of the last pass.</summary>
    public StageTimings Timings { get; } = new();

    internal SiglipVisionTower VisionTower => rooms.Vision;

    internal MultimodalProjector Projector => rooms.Projector;

    internal ProprioProjector? ProprioProjector => rooms.Proprio;

    internal BitNetDecoder Decoder => rooms.Decoder;

    internal ActionHead Head => rooms.Head;

    internal float* Pixels => rooms.Pixels;

    /// <summary>Maps a model, checks every tensor's checksum while it is prefetched, and makes the buffers.</summary>
    /// <exception cref="ArtifactException">The file is not a model that can act, or its bytes are damaged.</exception>
    /// <exception cref="KernelUnavailableException">The forced kernel is not to be had.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static BitVlaPolicy Load(string path, PolicyOptions options, CancellationToken cancellation)
    {
        // First, so that a wrong name is refused before a gigabyte is read.
        var choice = KernelSelector.Select(options.Kernel);
        var model = PackedModel.Open(path);
        try
        {
            if (model.Manifest.Geometry.ActionDim == 0)
            {
                throw new ArtifactException(ArtifactError.Unsupported, path, ModelKeys.ActionDim, "a model with an action head", "a text-only model");
            }

            var statistics = SelectStatistics(model, options.UnnormKey);
            model.CheckTensors(cancellation);
            return new BitVlaPolicy(model, options, choice, statistics);
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Predict(Observation observation, ActionChunk chunk, CancellationToken cancellation) => Predict(observation, chunk, null, cancellation);

    /// <summary>One pass that shows every doorway to a trace. Needs <see cref="PolicyOptions.Unpruned"/> when a trace is given.</summary>
    public void Predict(Observation observation, ActionChunk chunk, DoorwayTrace? trace, CancellationToken cancellation)
    {
        if (trace is not null && !options.Unpruned)
        {
            throw new InvalidOperationException("A trace needs an unpruned policy.");
        }

        if (chunk.ChunkLength != g.ChunkLength || chunk.ActionDim != g.ActionDim)
        {
            throw new ArgumentException($"The model fills chunks of {g.ChunkLength} x {g.ActionDim}.", nameof(chunk));
        }

        Timings.Start();
        PrepareImages(observation, trace, cancellation);
        Timings.End(Stage.Images);
        rooms.Vision.Run(rooms.Pixels, trace, cancellation);
        Timings.End(Stage.Vision);
        rooms.Projector.Run(rooms.Vision.X, rooms.ImageTokens, trace, cancellation);
        Timings.End(Stage.Connector);
        var layout = AssembleSequence(observation, trace, cancellation);
        Timings.End(Stage.Sequence);
        rooms.Decoder.Run(
            layout.Length, options.Unpruned ? 0 : layout.ReadoutStart, options.Unpruned ? layout.Length : g.ActionSlots, trace, cancellation);
        Timings.End(Stage.Decoder);
        rooms.Head.Run(rooms.Decoder.Normed + (nint)layout.ReadoutStart * g.Width, trace, cancellation);
        Finish(chunk, layout.Length, trace);
        Timings.End(Stage.Action);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        operations.Dispose();
        arena.Dispose();
        model.Dispose();
    }

    private static ImagePreprocessor CreatePreprocessor(PackedModel model, PolicyOptions options)
    {
        var manifest = model.Manifest;
        try
        {
            return new ImagePreprocessor(new ImagePreprocessorOptions(
                manifest.Geometry.ImageSize,
                options.CenterCrop ?? manifest.CenterCrop,
                manifest.PixelRescale,
                Array.ConvertAll(manifest.PixelMean, v => (float)v),
                Array.ConvertAll(manifest.PixelStd, v => (float)v)));
        }
        catch (ArgumentException cause)
        {
            // Numbers that are finite and positive in double may be neither in float32.
            throw new ArtifactException(
                ArtifactError.InvalidValue, model.File, "bitvla.preprocessor", "numbers that float32 holds", cause.Message, null, cause);
        }
    }

    private static ModelStatistics SelectStatistics(PackedModel model, string? key)
    {
        var all = model.Manifest.Statistics;
        string known = string.Join(", ", all.Select(s => s.Name));
        if (key is null)
        {
            return all.Count == 1
                ? all[0]
                : throw new ArtifactException(ArtifactError.Missing, model.File, "unnorm-key", $"one of: {known}", "none given and several in the file");
        }

        // The authors' evaluation tries the suite's name and then the name with this suffix.
        return all.FirstOrDefault(s => s.Name == key) ?? all.FirstOrDefault(s => s.Name == key + "_no_noops")
            ?? throw new ArtifactException(ArtifactError.Missing, model.File, "unnorm-key", $"one of: {known}", key);
    }

    /// <summary>Lays out all rooms; with an uncommitted arena it only measures.</summary>
    /// <remarks>Vision buffers and decoder buffers share memory: the image tokens between them are placed first.</remarks>
    private Rooms Place()
    {
        var placed = new Rooms
        {
            Pixels = arena.Place<float>((long)g.Cameras.Count * 3 * g.ImageSize * g.ImageSize),
            ImageTokens = arena.Place<float>((long)g.ImageTokens * g.Width),
            Sequence = arena.Place<float>((long)g.MaxSequence * g.Width),
            Rotary = new RotaryEmbedding(g.MaxSequence, g.HeadDim, g.RopeTheta, arena),
            Head = new ActionHead(model, operations, arena),
        };
        placed.Proprio = g.ProprioDim > 0 ? new ProprioProjector(model, operations, arena) : null;
        long mark = arena.Mark();
        placed.Vision = new SiglipVisionTower(model, operations, arena);
        placed.Projector = new MultimodalProjector(model, operations, arena);
        arena.Reset(mark);
        placed.Decoder = new BitNetDecoder(model, operations, placed.Rotary, placed.Sequence, arena);
        return placed;
    }

    private void PrepareImages(Observation observation, DoorwayTrace? trace, CancellationToken cancellation)
    {
        if (observation.Frames.Count != g.Cameras.Count)
        {
            throw new ObservationException("images", $"{g.Cameras.Count} ({string.Join(", ", Description.Cameras)})", $"{observation.Frames.Count}");
        }

        int values = 3 * g.ImageSize * g.ImageSize;
        for (int i = 0; i < g.Cameras.Count; i++)
        {
            var frame = observation.Frames[i];
            if (frame.Camera != g.Cameras[i].Name)
            {
                throw new ObservationException($"images[{i}]", $"camera {g.Cameras[i].Name}", frame.Camera);
            }

            images.Prepare(frame, rotate180[i], new Span<float>(rooms.Pixels + (nint)i * values, values), cancellation);
        }

        trace?.Record("pixel_values", rooms.Pixels, g.Cameras.Count, values);
    }

    private PromptLayout AssembleSequence(Observation observation, DoorwayTrace? trace, CancellationToken cancellation)
    {
        var layout = prompt.Assemble(observation.Instruction, ids);
        float* sequence = rooms.Sequence;
        for (int position = 0; position < layout.Length; position++)
        {
            float* row = sequence + (nint)position * g.Width;
            if (position >= layout.SlotStart && position < layout.StopPosition)
            {
                new Span<float>(row, g.Width).Clear();
            }
            else if (position < layout.ImageStart || position >= layout.ImageStart + g.ImageTokens)
            {
                ushort* embedding = model.EmbeddingRow(ids[position]);
                for (int i = 0; i < g.Width; i++)
                {
                    row[i] = BFloat16.Widen(embedding[i]);
                }
            }
        }

        long imageValues = (long)g.ImageTokens * g.Width;
        Buffer.MemoryCopy(rooms.ImageTokens, sequence + (nint)layout.ImageStart * g.Width, imageValues * sizeof(float), imageValues * sizeof(float));
        if (rooms.Proprio is { } proprio)
        {
            proprioNormalizer!.Normalize(observation.Proprio.Span, new Span<float>(proprio.Input, g.ProprioDim));
            proprio.Run(sequence + (nint)layout.ProprioPosition * g.Width, trace, cancellation);
        }
        else if (observation.Proprio.Length != 0)
        {
            throw new ObservationException("state", "no numbers: the model takes no proprioception", $"{observation.Proprio.Length}");
        }

        trace?.Record("llm.inputs_embeds", sequence, layout.Length, g.Width);
        return layout;
    }

    private void Finish(ActionChunk chunk, int sequenceLength, DoorwayTrace? trace)
    {
        var normalized = new ReadOnlySpan<float>(rooms.Head.Output, g.ActionSlots);
        for (int i = 0; i < normalized.Length; i++)
        {
            if (!float.IsFinite(normalized[i]))
            {
                throw new NonFiniteActionException("normalized_actions", i / g.ActionDim, i % g.ActionDim, normalized[i]);
            }
        }

        normalized.CopyTo(chunk.Normalized.Values);
        chunk.SequenceLength = sequenceLength;
        unnormalizer.Apply(chunk);
        for (int i = 0; i < normalized.Length; i++)
        {
            if (!double.IsFinite(chunk.Actions[i]))
            {
                throw new NonFiniteActionException("actions", i / g.ActionDim, i % g.ActionDim, chunk.Actions[i]);
            }
        }

        trace?.Record("normalized_actions", normalized, g.ChunkLength, g.ActionDim);
        trace?.Record("actions", (ReadOnlySpan<double>)chunk.Actions, g.ChunkLength, g.ActionDim);
        trace?.Record("env_actions", (ReadOnlySpan<double>)chunk.EnvironmentActions, g.ChunkLength, g.ActionDim);
    }

    private struct Rooms
    {
        public float* Pixels;
        public float* ImageTokens;
        public float* Sequence;
        public RotaryEmbedding Rotary;
        public SiglipVisionTower Vision;
        public MultimodalProjector Projector;
        public ProprioProjector? Proprio;
        public BitNetDecoder Decoder;
        public ActionHead Head;
    }
}
