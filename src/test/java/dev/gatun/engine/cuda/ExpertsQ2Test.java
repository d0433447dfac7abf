package dev.gatun.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatun.cuda.LaunchShape;
import dev.gatun.quant.TileFormat;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class ExpertsQ2Test extends OnKernels {
    private static final double TOLERANCE = 4e-3;

    ExpertsQ2Test() {
        super("experts_q2");
    }

    @Test
    void chosenExpertsGoOntoTheResidual() {
        forCases(sample -> new Case(sample, false).check());
    }

    @Test
    void whatIsAbsentOrUnknownIsMissingAndSaysSo() {
        forCases(sample -> new Case(sample, true).check());
    }

    @Test
    void blocksThatWaitInVainGiveUpAndSaySo() {
        forCase(sample -> new Case(sample, false).checkFailure(-1, 0, 0));
    }

    @Test
    void afterALaunchThatGaveUpNobodyWaits() {
        forCase(sample -> new Case(sample, false).checkFailure(0, 0, 1));
    }

    private final class Case {
        private final Sample sample;
        private final int most;
        private final int tokens;
        private final int topK;
        private final SampleExperts experts;
        private final int[] ids;
        private final float[] weights;
        private final float[] x;
        private final float[] residual;
        private final int gateSlice;
        private final int downSlice;
        private int absent = -1;
        private int errors;

        Case(Sample sample, boolean spoilt) {
            this.sample = sample;
            most = 1 << sample.integer("T", 0, 3);
            tokens = sample.integer("tokens", 1, 1, most);
            int count = sample.oneOf("experts", 1, 2, 8, 11, 128);
            topK = sample.integer("top k", 1, Math.min(8, count));
            int hidden = sample.integer("hidden", 16, 1, count > 11 ? 4 : 20);
            int ffn = SampleExperts.ffn(sample, 1, count > 11 ? 4 : 24);
            TileFormat format = sample.flag("narrow") ? TileFormat.Q2N : TileFormat.Q2;
            experts = new SampleExperts(sample, format, hidden, ffn, count);
            ids = sample.choices(tokens, topK, count);
            weights = sample.floats(ids.length, 0.5);
            x = sample.floats(tokens * hidden, 1);
            residual = sample.floats(tokens * hidden, 1);
            gateSlice = sample.oneOf("gate slice", 4, 8);
            downSlice = sample.oneOf("down slice", 4, 8);
            if (spoilt) {
                spoil();
            }
        }

        private void spoil() {
            if (sample.flag("absent")) {
                absent = ids[sample.below(ids.length)];
                errors |= ERROR_ABSENT;
            }
            if (sample.flag("unknown") && topK > 1) {
                int at = sample.below(ids.length);
                boolean isOnly = Arrays.stream(ids).filter(id -> id == ids[at]).count() == 1;
                if (ids[at] == absent && isOnly) {
                    absent = -1;
                    errors = 0;
                }
                ids[at] = sample.oneOf("id", -1, experts.count(), Integer.MAX_VALUE, Integer.MIN_VALUE);
                errors |= ERROR_ID;
            }
        }

        void check() {
            Choices choices = new Choices(topK, ids, weights, absent);
            Expected expected = oracles.experts(experts, Expected.input(experts.hidden, x), choices, residual);
            check(expected, "experts");
            check(expected, "gate_up", "down");
        }

        private void check(Expected expected, String... operations) {
            float[] y = run(operations);
            expected.requireNear(y, TOLERANCE);
            assertThat(run(operations)).as("with another grid").containsExactly(y);
        }

        private float[] run(String... operations) {
            int wideBytes = StreamMemory.bytes(most, Math.max(gateSlice, downSlice), experts.isWide());
            String suffix = (experts.isWide() ? "_q2_t" : "_q2n_t") + most;
            Region y = gpu.output(residual);
            Region error = gpu.zeros(1);
            Region counters = gpu.zeros(experts.hidden / 16);
            MemorySegment arguments = arguments(y, counters, gpu.zeros(3), error);
            boolean together = operations.length == 1;
            int grid = together
                    ? sample.integer("blocks", 1, gpu.residentBlocks("gatun_experts" + suffix, 256, wideBytes))
                    : sample.integer("grid", 1, 300);
            LaunchShape shape = LaunchShape.of(grid, 256).sharing(wideBytes);
            gpu.twice(() -> {
                for (String operation : operations) {
                    gpu.launch("gatun_" + operation + suffix, together ? shape.cooperative() : shape, arguments);
                }
            });
            assertThat(error.ints()).containsExactly(errors);
            assertThat(counters.ints()).containsOnly(0);
            return y.floats();
        }

        private MemorySegment arguments(Region y, Region counters, Region barrier, Region error) {
            int hidden = experts.hidden;
            int ffn = experts.ffn;
            long gateSums = 2L * ids.length * slices(hidden, gateSlice) * ffn;
            long downSums = (long) ids.length * slices(ffn, downSlice) * hidden;
            Region[] regions = {
                experts.upload(gpu, absent),
                gpu.input(ids),
                gpu.input(weights),
                gpu.input(x),
                y,
                gpu.scratch(4 * gateSums),
                gpu.scratch(4 * downSums),
                counters,
                barrier,
                error
            };
            int[] numbers = {
                tokens,
                topK,
                experts.count(),
                hidden,
                ffn,
                experts.block.gate().pairs(),
                experts.block.gate().period(),
                experts.block.down().pairs(),
                experts.block.down().period(),
                gateSlice,
                downSlice,
                experts.block.down().isInSixteens() ? 1 : 0
            };
            MemorySegment arguments = Arena.ofAuto().allocate(128, 8);
            for (int i = 0; i < regions.length; i++) {
                regions[i].storeAddress(arguments, 8L * i);
            }
            MemorySegment.copy(numbers, 0, arguments, ValueLayout.JAVA_INT, 80, numbers.length);
            return arguments;
        }

        /** The barrier's words are what a launch finds there, and the last one what it leaves. */
        void checkFailure(int... words) {
            String kernel = "gatun_experts" + (experts.isWide() ? "_q2_t" : "_q2n_t") + most;
            int bytes = StreamMemory.bytes(most, Math.max(gateSlice, downSlice), experts.isWide());
            Region y = gpu.output(residual);
            Region error = gpu.zeros(1);
            Region barrier = gpu.output(MemorySegment.ofArray(words));
            MemorySegment arguments = arguments(y, gpu.zeros(experts.hidden / 16), barrier, error);
            gpu.once(() ->
                    gpu.launch(kernel, LaunchShape.of(2, 256).sharing(bytes).cooperative(), arguments));
            assertThat(error.ints()).containsExactly(ERROR_TIMEOUT);
            assertThat(barrier.ints()[2]).isEqualTo(1);
            assertThat(y.floats()).containsExactly(residual);
        }

        private static int slices(int columns, int sliceTiles) {
            return ((columns + 127) / 128 + sliceTiles - 1) / sliceTiles;
        }
    }
}
