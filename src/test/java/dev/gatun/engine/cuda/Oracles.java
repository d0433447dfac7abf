package dev.gatun.engine.cuda;

import dev.gatun.cpu.CpuExperts;
import dev.gatun.cpu.CpuFloatType;
import dev.gatun.cpu.CpuLevel;
import dev.gatun.cpu.CpuMatrix;
import dev.gatun.cpu.CpuPool;
import dev.gatun.cpu.FloatMatrix;
import dev.gatun.cpu.KeyValues;
import dev.gatun.cpu.Reference;
import dev.gatun.engine.cpu.DescribedMatrices;
import dev.gatun.quant.DenseMatrix;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/**
 * What kernels are compared with, operation by operation: the definitions in double precision, and the CPU library at the
 * best level of this machine. Outputs of the library are NaN before it writes them.
 */
final class Oracles implements AutoCloseable {
    /** Two, so that the library splits its work. */
    private static final int THREADS = 2;

    private final CpuPool pool = CpuPool.open(THREADS, CpuLevel.best());

    private static FloatMatrix matrix(int columns, float[] values) {
        FloatMatrix matrix = FloatMatrix.allocate(Arena.ofAuto(), values.length / columns, columns);
        matrix.copyFrom(values);
        return matrix;
    }

    private static FloatMatrix output(int rows, int columns) {
        FloatMatrix matrix = FloatMatrix.allocate(Arena.ofAuto(), rows, columns);
        matrix.fill(Float.NaN);
        return matrix;
    }

    private static MemorySegment ints(int... values) {
        return Arena.ofAuto().allocateFrom(ValueLayout.JAVA_INT, values);
    }

    private static MemorySegment floats(float... values) {
        return Arena.ofAuto().allocateFrom(ValueLayout.JAVA_FLOAT, values);
    }

    /** The library's rows of a table. */
    float[] embedded(DenseMatrix table, int[] ids) {
        FloatMatrix y = output(ids.length, table.columns());
        pool.embed(DescribedMatrices.of(table), ids, y);
        return y.toArray();
    }

    /** RMS norm of each row. */
    Expected normed(float[] weight, float epsilon, Expected x) {
        FloatMatrix y = output(x.rows(), x.columns());
        CpuMatrix described = CpuMatrix.dense(Arena.ofAuto(), CpuFloatType.F32, 1, weight.length, floats(weight));
        pool.rmsNorm(described, epsilon, matrix(x.columns(), x.library()), y);
        double[] exact = Reference.rmsNorm(Reference.widen(weight), epsilon, x.exact());
        return Expected.of(x.columns(), exact, y.toArray(), x.rounding() + 1e-6);
    }

    /** W x for each row x. */
    Expected product(KnownMatrix w, Expected x) {
        FloatMatrix y = output(x.rows(), w.rows());
        pool.multiply(w.library(), matrix(x.columns(), x.library()), y);
        double rounding = x.rounding() + (x.rows() == 1 ? w.rounding() : Reference.FLOATS);
        double[] usual = new double[x.rows()];
        double gain = w.gain();
        for (int row = 0; row < usual.length; row++) {
            double[] input = Arrays.copyOfRange(x.exact(), row * x.columns(), (row + 1) * x.columns());
            usual[row] = gain * Reference.norm(input);
        }
        return new Expected(w.rows(), w.times(x.exact()), y.toArray(), rounding, usual);
    }

    /** down (silu(gate x) * (up x)) for each row x. */
    Expected expert(KnownMatrix gate, KnownMatrix up, KnownMatrix down, Expected x) {
        int[] ids = new int[x.rows()];
        float[] ones = new float[x.rows()];
        Arrays.fill(ones, 1);
        CpuExperts one =
                CpuExperts.of(Arena.ofAuto(), List.of(gate.library()), List.of(up.library()), List.of(down.library()));
        FloatMatrix y = FloatMatrix.allocate(Arena.ofAuto(), x.rows(), x.columns());
        pool.experts(one, matrix(x.columns(), x.library()), ints(ids), floats(ones), 1, y);
        double[] h = OnKernels.gated(gate.times(x.exact()), up.times(x.exact()));
        double rounding = x.rounding() + 2 * (x.rows() == 1 ? largest(gate, up, down) : Reference.FLOATS);
        return new Expected(x.columns(), down.times(h), y.toArray(), rounding, usual(gate, up, down, x));
    }

    private static double largest(KnownMatrix... matrices) {
        return Stream.of(matrices).mapToDouble(KnownMatrix::rounding).max().orElseThrow();
    }

    /** Of gate's and up's products the one is about halved by SiLU, and they are multiplied value by value. */
    private static double[] usual(KnownMatrix gate, KnownMatrix up, KnownMatrix down, Expected x) {
        double[] usual = new double[x.rows()];
        for (int row = 0; row < usual.length; row++) {
            double input = Reference.norm(Arrays.copyOfRange(x.exact(), row * x.columns(), (row + 1) * x.columns()));
            double inner = gate.gain() * input / 2 * up.gain() * input / Math.sqrt(gate.rows());
            usual[row] = down.gain() * inner;
        }
        return usual;
    }

    /** The chosen experts of a layer on top of the residual stream. */
    Expected experts(SampleExperts layer, Expected x, Choices choices, float[] residual) {
        FloatMatrix y = matrix(layer.hidden, residual);
        FloatMatrix inputs = matrix(layer.hidden, x.library());
        Choices known = choices.known(layer.count());
        if (layer.isTiledForLibrary) {
            addTiled(layer, inputs, known, y);
        } else {
            pool.experts(layer.described(), inputs, ints(known.ids()), floats(known.weights()), known.topK(), y);
        }
        boolean inWords = layer.isTiledForLibrary || x.rows() == 1;
        double rounding = x.rounding() + 2 * (inWords ? Reference.WORDS : Reference.FLOATS);
        double[] exact = layer.expected(x.exact(), choices, residual);
        return new Expected(layer.hidden, exact, y.toArray(), rounding, usual(layer, x, choices));
    }

    /** With few inner values all may be ones that SiLU leaves next to nothing of, and their errors too large for the rest. */
    private static double[] usual(SampleExperts layer, Expected x, Choices choices) {
        List<KnownMatrix> matrices = layer.first();
        double[] usual = usual(matrices.get(0), matrices.get(1), matrices.get(2), x);
        for (int row = 0; row < usual.length; row++) {
            usual[row] *= choices.norm(row, layer.count());
        }
        return usual;
    }

    /** Straight from the blocks, a few tokens at a time. */
    private void addTiled(SampleExperts layer, FloatMatrix x, Choices choices, FloatMatrix y) {
        for (int e = 0; e < layer.count(); e++) {
            for (int from = 0; from < x.rows(); from += 4) {
                int count = Math.min(4, x.rows() - from);
                float[] weights = new float[count];
                boolean chosen = false;
                for (int i = from * choices.topK(); i < (from + count) * choices.topK(); i++) {
                    weights[i / choices.topK() - from] += choices.ids()[i] == e ? choices.weights()[i] : 0;
                    chosen |= choices.ids()[i] == e;
                }
                if (chosen) {
                    pool.addExpert(layer.tiled(e), x.rows(from, count), floats(weights), y.rows(from, count));
                }
            }
        }
    }

    /** Ids and weights of the library's choice. */
    Choices route(float[] logits, int experts, int topK) {
        int choices = logits.length / experts * topK;
        MemorySegment ids = ints(new int[choices]).fill((byte) -1);
        MemorySegment weights = floats(new float[choices]).fill((byte) -1);
        pool.route(matrix(experts, logits), topK, ids, weights);
        return new Choices(topK, ids.toArray(ValueLayout.JAVA_INT), weights.toArray(ValueLayout.JAVA_FLOAT), -1);
    }

    /** Radians by which the pairs of a head turn from place to place. */
    static float[] frequencies(int headSize) {
        float[] frequencies = new float[headSize / 2];
        for (int i = 0; i < frequencies.length; i++) {
            frequencies[i] = (float) Math.pow(1e6, -2.0 * i / headSize);
        }
        return frequencies;
    }

    /**
     * The rotation of [tokens, heads, headSize], the first token at {@code position}; a row is a head. The library has no
     * places before the first one.
     */
    Expected turned(float[] x, int heads, int headSize, int position, float[] frequencies) {
        double[] exact = turnedExactly(x, heads, position, frequencies);
        if (position < 0) {
            return Expected.ofDefinition(headSize, exact);
        }
        FloatMatrix turned = matrix(heads * headSize, x);
        pool.rope(turned, heads, headSize, position, floats(frequencies));
        // The kernels' angles are float32, of radians up to the position; the library's are not.
        double rounding = 1e-6 + (position + turned.rows()) * 0x1p-24;
        return Expected.of(headSize, exact, turned.toArray(), rounding);
    }

    private static double[] turnedExactly(float[] x, int heads, int position, float[] frequencies) {
        int half = frequencies.length;
        double[] y = new double[x.length];
        for (int row = 0; row < x.length / (2 * half); row++) {
            for (int i = 0; i < half; i++) {
                double angle = (float) (position + row / heads) * frequencies[i];
                int at = 2 * half * row + i;
                y[at] = x[at] * Math.cos(angle) - x[at + half] * Math.sin(angle);
                y[at + half] = x[at + half] * Math.cos(angle) + x[at] * Math.sin(angle);
            }
        }
        return y;
    }

    /**
     * Values [tokens, kvHeads, headSize] that a cache has stored; a row is a head. From the library, a token gets them back
     * that sees itself alone; it has no places outside of the cache.
     */
    Expected stored(float[] values, int kvHeads, int headSize, int position, int capacity, boolean isHalf) {
        int tokens = values.length / (kvHeads * headSize);
        if (position < 0 || position + tokens > capacity) {
            return Expected.ofDefinition(headSize, Reference.widen(values));
        }
        KeyValues kv = allocate(kvHeads, headSize, capacity, isHalf);
        FloatMatrix zeros = FloatMatrix.allocate(Arena.ofAuto(), tokens, kvHeads * headSize);
        FloatMatrix y = output(tokens, kvHeads * headSize);
        pool.append(kv, position, zeros, matrix(kvHeads * headSize, values));
        pool.attend(kv, position, kvHeads, 1, zeros, y);
        return Expected.of(headSize, Reference.widen(values), y.toArray(), isHalf ? 5e-4 : 0);
    }

    private static KeyValues allocate(int kvHeads, int headSize, int capacity, boolean isHalf) {
        return KeyValues.allocate(
                Arena.ofAuto(), isHalf ? CpuFloatType.F16 : CpuFloatType.F32, kvHeads, headSize, capacity);
    }

    /** The queries' attention over a cache; a row is a head of a token. */
    Expected attention(CachedAttention in) {
        int width = in.kvHeads * in.headSize;
        KeyValues kv = allocate(in.kvHeads, in.headSize, in.capacity, false); // as exact as any block
        pool.append(kv, 0, matrix(width, in.keysByPlace()), matrix(width, in.valuesByPlace()));
        FloatMatrix y = output(in.tokens, in.heads() * in.headSize);
        pool.attend(kv, in.position, in.heads(), in.window, matrix(in.heads() * in.headSize, in.q), y);
        return Expected.of(in.headSize, in.expected(), y.toArray(), Reference.FLOATS);
    }

    @Override
    public void close() {
        pool.close();
    }
}
