package dev.gatun.quantize;

import dev.gatun.checkpoint.Checkpoint;
import dev.gatun.checkpoint.GatunWriter;
import dev.gatun.quant.ExpertBlock;
import dev.gatun.quant.MatrixTiler;
import dev.gatun.quant.solver.QuantizationException;
import dev.gatun.quant.solver.Solver;
import dev.gatun.quant.solver.Workers;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Quantizes a model into Gatun's own format.
 *
 * <p>It reads mapped files, and keeps all attention and two layers' quantized experts, those that are written and those that
 * are made. Of the layer that is written there are the tiles besides: that makes three times a layer's experts.
 *
 * <p>A run that ended early, however it did, is gone on with by another with the same plan.
 */
public final class Quantization {
    private final Checkpoint source;
    private final QuantizationPlan plan;
    private final Optional<String> calibration;
    private final MatrixTiler tiler;
    private final int threads;

    /**
     * Makes a quantization.
     *
     * @param source an unquantized model; outlives it
     * @param calibration the text for {@link SolverChoice#GPTQ}; empty for the other solvers
     * @param tiler what writes tiles of experts
     * @param threads that compute on the CPU
     * @throws QuantizationException if the plan does not fit the model
     */
    public Quantization(
            Checkpoint source, QuantizationPlan plan, Optional<String> calibration, MatrixTiler tiler, int threads) {
        if (calibration.isPresent() != (plan.solver() == SolverChoice.GPTQ)) {
            throw new QuantizationException("calibration: a text is for --solver gptq, and it alone");
        }
        if (plan.head().scheme().isPresent() && source.config().tiedEmbeddings()) {
            throw new QuantizationException(
                    "lm head: it is the embeddings in this model, which stay as they are; use --lm-head 16");
        }
        PlannedMatrix.of(source, plan).forEach(PlannedMatrix::require);
        this.source = source;
        this.plan = plan;
        this.calibration = calibration;
        this.tiler = tiler;
        this.threads = threads;
    }

    /** Hears how far the quantization is, from any thread, one call at a time; what it throws ends it. */
    @FunctionalInterface
    public interface Listener {
        /** So many weights of all that are to be quantized are done. */
        void quantized(long weights, long all);
    }

    /**
     * Writes the quantized model, or what a run before has not written of it.
     *
     * @param solver what quantizes matrices for which no inputs are known: {@link SolverChoice#onCpu} of the plan's, or the
     *     same on a GPU; stays open
     * @throws QuantizationException if a weight is a NaN or an infinity, or too large to be quantized
     * @throws dev.gatun.checkpoint.CheckpointException if the folder holds a model already, or cannot be written
     */
    public void run(Path folder, Solver solver, Listener listener) {
        Optional<ExpertBlock> block = plan.block(source.config());
        GatunWriter writer = GatunWriter.open(folder, source.config().layers(), block, origin());
        Progress progress = new Progress(PlannedMatrix.of(source, plan), listener);
        try (Workers workers = Workers.open(threads);
                TrunkQuantization trunk =
                        new TrunkQuantization(source, plan, solver, workers, progress, writer.hasTrunk());
                ModelQuantizer quantizer = quantizer(solver);
                LayerWriting writing = new LayerWriting()) {
            LayerQuantization layers =
                    new LayerQuantization(source, plan, block, tiler, workers, writer, writing, progress);
            for (int layer = 0; layer < source.config().layers(); layer++) {
                if (quantizer.isSequential() || !writer.hasTrunk()) {
                    trunk.enter(layer, quantizer);
                }
                progress.done(trunk.weights(layer));
                layers.run(layer, quantizer);
            }
            writing.await();
            if (!writer.hasTrunk()) {
                writer.writeTrunk(trunk.tensors());
            }
            progress.finish();
        }
        writer.finish(source.configDirectory());
    }

    private ModelQuantizer quantizer(Solver solver) {
        return calibration
                .<ModelQuantizer>map(text -> CalibratedQuantizer.open(source, text, threads))
                .orElseGet(() -> new PlainQuantizer(solver));
    }

    /** What must be the same for one run to go on with what another wrote. */
    private String origin() {
        String text = calibration
                .map(given -> String.format(", calibration text %08x", given.hashCode()))
                .orElse("");
        return source.description() + "; " + plan + text;
    }
}
