package dev.gatun.engine.cuda;

import dev.gatun.cpu.Reference;
import dev.gatun.quant.ExpertBlock;
import dev.gatun.quant.TileFormat;
import dev.gatun.quant.TileReader;
import dev.gatun.quant.TileShape;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** The experts of a layer, of random tiles, and what they compute in double precision. */
final class SampleExperts {
    final TileFormat format;
    final int hidden;
    final int ffn;
    final ExpertBlock block;
    private final MemorySegment[] blocks;

    SampleExperts(Sample sample, TileFormat format, int hidden, int ffn, int experts) {
        this.format = format;
        this.hidden = hidden;
        this.ffn = ffn;
        TileShape gate = sample.tileShape(format, ffn, hidden);
        block = new ExpertBlock(gate, gate, sample.tileShape(format, hidden, ffn));
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

    /** A table of the blocks on the device, without that of the absent expert. */
    Region upload(KernelFile gpu, int absent) {
        Region[] uploaded = new Region[blocks.length];
        for (int e = 0; e < blocks.length; e++) {
            uploaded[e] = e == absent ? null : gpu.input(blocks[e]);
        }
        return gpu.addresses(uploaded);
    }

    /** silu(w1 x) * (w3 x) */
    double[] gateUp(int expert, double[] x) {
        double[] gate = product(expert, block.gateOffset(), block.gate(), x);
        double[] up = product(expert, block.upOffset(), block.up(), x);
        for (int i = 0; i < gate.length; i++) {
            gate[i] = OnKernels.silu(gate[i]) * up[i];
        }
        return gate;
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
