package dev.gatun.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatun.cuda.LaunchShape;
import dev.gatun.quant.TileFormat;
import java.lang.foreign.ValueLayout;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** The experts of many tokens: batch_gate_up.cu and batch_q2.cu between group.cu and rows.cu. */
class BatchExpertsTest extends OnBatches {
    private long blocksOfOtherCells;

    BatchExpertsTest() {
        super("batch_gate_up", "batch_q2", "group", "rows");
    }

    @Test
    void chosenExpertsGoOntoTheResidual() {
        forCases(sample -> new Layer(sample, sample.integer("tokens", 1, 1, 300), false).check());
    }

    @Test
    void whatIsAbsentOrUnknownIsMissingAndSaysSo() {
        forCases(sample -> new Layer(sample, sample.integer("tokens", 1, 1, 100), true).check());
    }

    /** Results of gate and up are about where a cell ends: some blocks of a row are in one, some in the next. */
    @Test
    void blocksOfARowAreBroughtToOneCell() {
        forCases(sample -> {
            Layer layer = new Layer(sample, sample.integer("tokens", 100, 300));
            layer.check();
            blocksOfOtherCells += layer.otherBlocks();
        });
        assertThat(blocksOfOtherCells)
                .as("blocks of another cell than their row's first")
                .isPositive();
    }

    @Test
    void aLongPrompt() {
        forCase(sample -> new Layer(sample, sample.oneOf("tokens", 512, 2048), false).check());
    }

    private final class Layer {
        private final Sample sample;
        private final int tokens;
        private final int topK;
        private final SampleExperts experts;
        private final int[] ids;
        private final float[] weights;
        private final float[] residual;
        private final Rows x;
        private final int blocksOfRow;
        private final Region cells;
        private int absent = -1;
        private int errors;

        Layer(Sample sample, int tokens, boolean spoilt) {
            this(sample, tokens, sample.oneOf("experts", 1, 2, 8, 13, 128), 1, false);
            if (spoilt) {
                absent = ids[0];
                errors |= ERROR_ABSENT;
                if (ids.length > 1) {
                    ids[ids.length - 1] = sample.oneOf("id", -1, experts.count(), Integer.MAX_VALUE, Integer.MIN_VALUE);
                    errors |= ERROR_ID;
                }
            }
        }

        /** Rows of h have several blocks, and about the magnitude where a cell ends. */
        Layer(Sample sample, int tokens) {
            this(sample, tokens, 3, 9, true);
        }

        private Layer(Sample sample, int tokens, int count, int leastGroups, boolean magnified) {
            this.sample = sample;
            this.tokens = tokens;
            topK = sample.integer("top k", 1, Math.min(tokens > 300 ? 2 : 4, count));
            int hidden = sample.integer("hidden", 16, 1, count > 13 ? 3 : 10);
            int ffn = SampleExperts.ffn(sample, leastGroups, count > 13 ? 3 : 18);
            TileFormat format = sample.flag("narrow") ? TileFormat.Q2N : TileFormat.Q2;
            experts = new SampleExperts(sample, format, hidden, ffn, count);
            ids = sample.choices(tokens, topK, count);
            weights = sample.floats(ids.length, 0.5);
            residual = sample.floats(tokens * hidden, 1);
            x = magnified
                    ? new Rows(hidden, sample.rows(tokens, hidden, 32), null)
                    : new Rows(sample, tokens, hidden, true);
            blocksOfRow = tiles(ffn, 128);
            cells = gpu.output((long) ids.length * blocksOfRow);
        }

        /** How many blocks had another cell than the first of their row. */
        long otherBlocks() {
            byte[] found = cells.bytes().toArray(ValueLayout.JAVA_BYTE);
            return IntStream.range(0, found.length)
                    .filter(i -> found[i] != found[i - i % blocksOfRow])
                    .count();
        }

        private void levelRows(Region h, Region offsets, Region factors, int sixteens) {
            LaunchShape shape = LaunchShape.of(ids.length, 128);
            if (experts.isWide()) {
                gpu.launch("gatun_level_rows_q2", shape, h, cells, offsets, experts.count(), experts.ffn, factors);
            } else {
                gpu.launch(
                        "gatun_level_rows_q2n",
                        shape,
                        h,
                        cells,
                        offsets,
                        experts.count(),
                        experts.ffn,
                        factors,
                        sixteens);
            }
        }

        void check() {
            int hidden = experts.hidden;
            int ffn = experts.ffn;
            int count = experts.count();
            int choices = ids.length;
            int gateWidth = sample.oneOf("gate n", 16, 32, 64, 128);
            int downWidth = sample.oneOf("down n", 16, 32, 64, 128);
            String scheme = experts.isWide() ? "q2_n" : "q2n_n";
            Region chosen = gpu.input(ids);
            Region offsets = gpu.outputInts(count + 1);
            Region order = gpu.outputInts(choices);
            Region place = gpu.outputInts(choices);
            Region error = gpu.zeros(1);
            Region blocks = experts.upload(gpu, absent);
            Region h = gpu.output(2L * choices * padded(ffn));
            Region factors = gpu.outputFloats(choices);
            Region out = gpu.outputFloats((long) choices * hidden);
            Region shares = gpu.input(weights);
            Region y = gpu.output(residual);
            int sixteens = experts.block.down().isInSixteens() ? 1 : 0;
            Struct gateUp = new Struct(88)
                    .addresses(blocks, offsets, order, x.halves, x.factors, h, cells, error)
                    .numbers(count, topK, hidden, ffn, experts.block.gate().pairs(), sixteens);
            Struct down = new Struct(96)
                    .addresses(null, blocks)
                    .number(experts.block.downOffset())
                    .addresses(offsets, h, factors, out, error)
                    .numbers(count, choices, hidden, ffn, experts.block.down().pairs(), 0, sixteens, 0);
            LaunchShape one = LaunchShape.of(1, 1024);
            gpu.twice(() -> {
                gpu.launch("gatun_group_tokens", one, chosen, choices, count, offsets, order, place, error);
                x.launch();
                gpu.launch(
                        "gatun_batch_gate_up_" + scheme + gateWidth,
                        grid(ffn, 128, gateWidth, 384 * gateWidth + 16384),
                        gateUp.bytes());
                levelRows(h, offsets, factors, sixteens);
                gpu.launch(
                        "gatun_batch_" + scheme + downWidth,
                        grid(hidden, rowsOfQ2(downWidth), downWidth, memoryOfQ2(downWidth)),
                        down.bytes());
                gpu.launch("gatun_combine_experts", LaunchShape.of(tokens, 256), out, place, shares, topK, hidden, y);
            });
            assertThat(error.ints()).containsExactly(errors);
            oracles.experts(experts, x.values, new Choices(topK, ids, weights, absent), residual)
                    .requireNear(y.floats(), 2 * TOLERANCE);
        }

        private LaunchShape grid(int rows, int rowsOfABlock, int width, int memory) {
            int most = ids.length / width + Math.min(experts.count(), ids.length);
            return LaunchShape.of(tiles(rows, rowsOfABlock) * most, 256).sharing(memory);
        }
    }
}
