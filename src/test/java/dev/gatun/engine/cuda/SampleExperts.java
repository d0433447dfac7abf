package dev.gatun.engine.cuda;

import dev.gatun.cpu.CpuExperts;
import dev.gatun.cpu.CpuMatrix;
import dev.gatun.cpu.Reference;
import dev.gatun.cpu.TiledExpert;
import dev.gatun.engine.cpu.TiledShapes;
import dev.gatun.quant.ColumnOrder;
import dev.gatun.quant.ExpertBlock;
import dev.gatun.quant.TileFormat;
import dev.gatun.quant.TileReader;
import dev.gatun.quant.TileShape;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.stream.IntStream;

/** The experts of a layer, of random tiles, and what they compute in double precision. */
final class SampleExperts {
    final TileFormat format;
    final int hidden;
    final int ffn;
    final ExpertBlock block;
    /** Whether the library reads the blocks, as its share of misses, or the matrices in them, as its backend does. */
    final boolean isTiledForLibrary;

    private final MemorySegment[] blocks;

    SampleExperts(Sample sample, TileFormat format, int hidden, int ffn, int experts) {
        this(
                sample,
                sample.tileShape(format, ffn, hidden),
                down(sample, sample.tileShape(format, hidden, ffn).asDown()),
                experts);
    }

    /** Or as some slices of an expert lie, where they do not as those of a whole one of their number. */
    private static TileShape down(Sample sample, TileShape shape) {
        return shape.format() == TileFormat.Q2N && shape.columns() % 256 == 0 && sample.flag("in sixteens")
                ? new TileShape(TileFormat.Q2N, shape.rows(), shape.columns(), 0, ColumnOrder.SIXTEENS)
                : shape;
    }

    /** Intermediate values of random experts, now and then of whole pairs of tiles. */
    static int ffn(Sample sample, int least, int most) {
        return sample.oneOf("sixteens of slices", 0, 0, 1) == 0
                ? sample.integer("ffn", 16, least, most)
                : sample.integer("ffn", 256, 1, most / 2);
    }

    SampleExperts(Sample sample, TileShape gate, TileShape down, int experts) {
        this.format = gate.format();
        this.hidden = gate.columns();
        this.ffn = gate.rows();
        block = new ExpertBlock(gate, gate, down);
        isTiledForLibrary = !isWide() || sample.flag("tiled for the library");
        blocks = new MemorySegment[experts];
        for (int e = 0; e < experts; e++) {
            blocks[e] = Arena.ofAuto().allocate(block.bytes(), 256);
            sample.tiles().fill(block.gate(), part(e, block.gateOffset(), block.gate()));
            sample.tiles().fill(block.up(), part(e, block.upOffset(), block.up()));
            sample.tiles().fill(block.down(), part(e, block.downOffset(), block.down()));
        }
    }

    boolean isWide() {
        return format == TileFormat.Q2;
    }

    int count() {
        return blocks.length;
    }

    private MemorySegment part(int expert, long offset, TileShape shape) {
        return blocks[expert].asSlice(offset, shape.bytes());
    }

    /** Gate, up and down of the first expert; the others are drawn alike. */
    List<KnownMatrix> first() {
        return List.of(
                known(block.gateOffset(), block.gate()),
                known(block.upOffset(), block.up()),
                known(block.downOffset(), block.down()));
    }

    private KnownMatrix known(long offset, TileShape shape) {
        return KnownMatrix.of(shape, part(0, offset, shape));
    }

    /** A table of the blocks on the device, without that of the absent expert. */
    Region upload(KernelFile gpu, int absent) {
        Region[] uploaded = new Region[blocks.length];
        for (int e = 0; e < blocks.length; e++) {
            uploaded[e] = e == absent ? null : gpu.input(blocks[e]);
        }
        return gpu.addresses(uploaded);
    }

    /** An expert as it lies in host memory. */
    MemorySegment block(int expert) {
        return blocks[expert];
    }

    /** An expert as the library reads it where it lies. */
    TiledExpert tiled(int expert) {
        return TiledExpert.of(Arena.ofAuto(), TiledShapes.of(block), blocks[expert]);
    }

    /** The experts as the library's backend reads them, where the blocks are of a published scheme. */
    CpuExperts described() {
        return CpuExperts.of(
                Arena.ofAuto(),
                described(block.gateOffset(), block.gate()),
                described(block.upOffset(), block.up()),
                described(block.downOffset(), block.down()));
    }

    private List<CpuMatrix> described(long offset, TileShape shape) {
        return IntStream.range(0, count())
                .mapToObj(e -> KnownMatrix.describe(shape, part(e, offset, shape)))
                .toList();
    }

    /** What the chosen experts give for [tokens, hidden], on top of the residual stream. */
    double[] expected(double[] x, Choices choices, float[] residual) {
        double[] y = Reference.widen(residual);
        for (int e = 0; e < count(); e++) {
            int expert = e;
            int[] mine = IntStream.range(0, choices.ids().length)
                    .filter(i -> choices.ids()[i] == expert && choices.adds(i, count()))
                    .toArray();
            double[] inputs = new double[mine.length * hidden];
            for (int i = 0; i < mine.length; i++) {
                System.arraycopy(x, mine[i] / choices.topK() * hidden, inputs, i * hidden, hidden);
            }
            double[] out = down(e, gateUp(e, inputs));
            for (int i = 0; i < out.length; i++) {
                int choice = mine[i / hidden];
                y[choice / choices.topK() * hidden + i % hidden] += choices.weights()[choice] * out[i];
            }
        }
        return y;
    }

    /** silu(w1 x) * (w3 x) */
    double[] gateUp(int expert, double[] x) {
        return OnKernels.gated(
                product(expert, block.gateOffset(), block.gate(), x), product(expert, block.upOffset(), block.up(), x));
    }

    /** w2 h */
    double[] down(int expert, double[] h) {
        return product(expert, block.downOffset(), block.down(), h);
    }

    private double[] product(int expert, long offset, TileShape shape, double[] x) {
        TileReader reader = new TileReader(shape, part(expert, offset, shape));
        return Reference.multiply(reader.weights(), shape.rows(), shape.columns(), x);
    }
}
