package dev.gatun.bench;

import dev.gatun.offload.ExpertSource;
import dev.gatun.quant.ExpertBlock;
import java.lang.foreign.MemorySegment;
import java.util.Objects;

/** Random experts, each made when it is asked for, of the seed and its place in the model. */
final class SyntheticExperts implements ExpertSource {
    private final int layers;
    private final int experts;
    private final ExpertBlock block;
    private final RandomTiles wide;
    private final RandomTiles down;
    private final long seed;

    /** Experts of 2-bit tiles for so many layers, each with {@code experts}. */
    SyntheticExperts(int layers, int experts, ExpertBlock block, long seed) {
        this.layers = layers;
        this.experts = experts;
        this.block = block;
        this.wide = new RandomTiles(block.gate());
        this.down = new RandomTiles(block.down());
        this.seed = seed;
    }

    @Override
    public ExpertBlock block() {
        return block;
    }

    @Override
    public void write(int layer, int expert, MemorySegment target) {
        Objects.checkIndex(layer, layers);
        Objects.checkIndex(expert, experts);
        Noise noise = new Noise(seed + (long) layer * experts + expert);
        wide.fill(target.asSlice(block.gateOffset(), block.gate().bytes()), noise);
        wide.fill(target.asSlice(block.upOffset(), block.up().bytes()), noise);
        down.fill(target.asSlice(block.downOffset(), block.down().bytes()), noise);
        target.asSlice(block.downOffset() + block.down().bytes()).fill((byte) 0);
    }
}
