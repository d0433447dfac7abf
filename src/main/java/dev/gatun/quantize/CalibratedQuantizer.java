package dev.gatun.quantize;

import dev.gatun.checkpoint.Checkpoint;
import dev.gatun.checkpoint.ExpertWeights;
import dev.gatun.checkpoint.LayerTensors;
import dev.gatun.checkpoint.LayerWeights;
import dev.gatun.cpu.CpuException;
import dev.gatun.cpu.CpuLevel;
import dev.gatun.engine.cpu.CalibratedExperts;
import dev.gatun.engine.cpu.CalibrationText;
import dev.gatun.natives.NativeLibraryException;
import dev.gatun.quant.solver.QuantizationException;
import dev.gatun.quant.solver.Target;
import dev.gatun.text.TextException;
import dev.gatun.text.Tokenizer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.LongConsumer;

/** Quantizes each layer for what a calibration text brings it through those before, as they were quantized. */
final class CalibratedQuantizer implements ModelQuantizer {
    private final CalibrationText text;
    private CalibratedExperts experts;

    private CalibratedQuantizer(CalibrationText text) {
        this.text = text;
    }

    /**
     * Brings a text to the first layer.
     *
     * @throws QuantizationException if the model has no tokenizer or no beginning-of-text token, the text no tokens, or the
     *     machine no CPU backend
     */
    static CalibratedQuantizer open(Checkpoint model, String text, int threads) {
        Tokenizer tokenizer = tokenizer(model);
        int[] beginning = tokenizer.encodeWithBos("");
        if (beginning.length == 0) {
            throw new QuantizationException("calibration: this model has no beginning-of-text token");
        }
        int[] tokens = tokenizer.encode(text);
        if (tokens.length == 0) {
            throw new QuantizationException("calibration: the text is empty");
        }
        return new CalibratedQuantizer(
                CalibrationText.open(model.config(), model.weights(), tokens, beginning[0], threads, level()));
    }

    private static CpuLevel level() {
        try {
            return CpuLevel.chosen();
        } catch (NativeLibraryException | CpuException none) {
            throw new QuantizationException("calibration: the text goes through the CPU backend: " + none.getMessage());
        }
    }

    private static Tokenizer tokenizer(Checkpoint model) {
        try {
            return Tokenizer.load(model.configDirectory().resolve("tokenizer.json"));
        } catch (TextException unusable) {
            throw new QuantizationException(unusable.getMessage());
        }
    }

    @Override
    public boolean isSequential() {
        return true;
    }

    @Override
    public LayerWeights enter(int layer, LayerWeights original, Optional<Target> attention, Runnable between) {
        LayerWeights attended = attention
                .map(target -> text.quantizeAttention(original, PlannedMatrix.attention(layer), target))
                .orElse(original);
        between.run();
        experts = text.enter(attended);
        between.run();
        return attended;
    }

    @Override
    public List<ExpertWeights> quantize(int layer, List<ExpertWeights> originals, Target target, LongConsumer done) {
        List<ExpertWeights> quantized = new ArrayList<>();
        for (int expert = 0; expert < originals.size(); expert++) {
            ExpertWeights original = originals.get(expert);
            quantized.add(experts.quantize(expert, LayerTensors.prefix(layer, expert), original, target));
            done.accept(original.weights());
        }
        return quantized;
    }

    @Override
    public void pass(int expert, ExpertWeights quantized) {
        experts.pass(expert, quantized);
    }

    @Override
    public void close() {
        text.close();
    }
}
