package dev.gatun.checkpoint;

import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.SequencedMap;

/**
 * A model folder, open: its configuration, and its weights as views of the mapped files. Nothing is copied: opening an
 * 8x7B takes less than a second, and the weights are read from disk when they are first used.
 *
 * <p>Three layouts are told apart by their tensors: Hugging Face's Mixtral in bf16, fp16 or fp32; the published offloading
 * checkpoint, whose attention and experts are quantized by HQQ ({@link dev.gatun.quant.HqqScheme}); and Gatun's own, which
 * the package's description tells. Every offset, type and shape is checked before {@link #open} returns, and every scale.
 * The values of unquantized weights are not.
 *
 * <p>Whoever opens it closes it; from then on its weights throw {@link IllegalStateException} when they are read from
 * Java. Native code must have finished with them. All methods may be called from any thread.
 *
 * <p>The folder's files must not be cut short while it is open: reading what is gone would end the process.
 */
public final class Checkpoint implements AutoCloseable {
    private final CheckpointSource source;
    private final Arena arena;
    private final MixtralConfig config;
    private final GenerationDefaults generationDefaults;
    private final ModelWeights weights;
    private final SequencedMap<String, Tensor> tensors;
    private final boolean isGatun;
    private final long bytes;

    private Checkpoint(CheckpointSource source, Arena arena) {
        JsonObject json = MixtralConfigFile.open(source.config());
        this.source = source;
        this.arena = arena;
        this.config = MixtralConfigFile.read(json);
        this.generationDefaults = GenerationDefaultsFile.read(source.config(), json, config.vocabularySize());
        TensorTable table = TensorTable.map(source.weights(), arena);
        this.weights = WeightReader.read(config, table, Statements.of(source, HqqReader.isIn(table)), arena);
        this.tensors = table.tensors();
        this.isGatun = table.gatun().isPresent();
        this.bytes = table.bytes();
    }

    /** Opens a model folder that has everything. */
    public static Checkpoint open(Path directory) {
        return open(CheckpointSource.of(directory));
    }

    /**
     * Opens a model.
     *
     * @throws CheckpointException if the folder is not a Mixtral that Gatun can run; nothing stays mapped then
     */
    @SuppressWarnings("MustBeClosedChecker") // closed below on failure, otherwise by the checkpoint
    public static Checkpoint open(CheckpointSource source) {
        ModelFolder.require(source);
        Arena arena = Arena.ofShared();
        try {
            return new Checkpoint(source, arena);
        } catch (RuntimeException | Error problem) {
            arena.close();
            throw problem;
        }
    }

    /** The model's shape. */
    public MixtralConfig config() {
        return config;
    }

    /** The model's weights, valid until {@link #close}. */
    public ModelWeights weights() {
        return weights;
    }

    /** All tensors of its files by their full names, in the order of these; valid until {@link #close}. */
    public SequencedMap<String, Tensor> tensors() {
        return tensors;
    }

    /** How its makers suggest to sample from the model. */
    public GenerationDefaults generationDefaults() {
        return generationDefaults;
    }

    /** The folder with the weights, as it was given to {@link #open}. */
    public Path directory() {
        return source.weights();
    }

    /** The folder with the configuration and the tokenizer's files, as it was given to {@link #open}. */
    public Path configDirectory() {
        return source.config();
    }

    /** Bytes of all weight files together. */
    public long bytes() {
        return bytes;
    }

    /** One line for people: layout, number formats, size. */
    public String description() {
        return Description.of(weights, isGatun, bytes);
    }

    /**
     * Unmaps the files.
     *
     * @throws IllegalStateException if it is closed already, or native code is using the weights
     */
    @Override
    public void close() {
        arena.close();
    }
}
