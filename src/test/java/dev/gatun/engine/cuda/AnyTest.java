package dev.gatun.engine.cuda;

import static dev.gatun.cpu.Reference.widen;
import static org.assertj.core.api.Assertions.assertThat;

import dev.gatun.cuda.LaunchShape;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class AnyTest extends OnKernels {
    private static final String[] ENTRIES = {"matvec_t1", "matvec_t4", "tiles_n32", "tiles_n128"};
    private static final double TOLERANCE = 2e-5;
    private static final int STORE = 0;
    private static final int ADD = 1;
    private static final int SILU = 2;

    AnyTest() {
        super("any");
    }

    @Test
    void oneMatrixOfAnyFormat() {
        forCases(sample -> checkMatrix(sample, sample.integer("items", 1, 1, 140)));
    }

    @Test
    void manyItems() {
        forCase(sample -> checkMatrix(sample, sample.oneOf("items", 512, 2048)));
    }

    @Test
    void theExpertsOfALayerInThreeLaunches() {
        forCases(sample -> new Layer(sample, sample.integer("tokens", 1, 1, 60)).check());
    }

    private void checkMatrix(Sample sample, int items) {
        int format = SampleAny.format(sample);
        int rows = SampleAny.rows(sample, format, 200);
        int columns = sample.flag("wide") ? sample.integer("columns", 8, 1, 40) : sample.integer("columns", 1, 1, 300);
        SampleAny matrix = new SampleAny(sample, format, rows, columns);
        float[] x = sample.floats(items * columns, 1);
        float[] before = sample.floats(items * rows, 1);
        int mode = sample.oneOf("mode", STORE, ADD, SILU);
        Region y = mode == STORE ? gpu.outputFloats(before.length) : gpu.output(before);
        Product product = new Product();
        product.address(32, gpu.input(x)).address(40, y).address(48, gpu.zeros(1));
        product.numbers(56, items, 1, 0, 0, mode, rows, columns, 0);
        matrix.describe(gpu, product.struct.asSlice(88));
        gpu.run(entry(sample), grid(sample), product.struct);
        Expected expected = oracles.product(matrix.known, Expected.input(columns, x));
        combined(mode, before, expected).requireNear(y.floats(), TOLERANCE);
    }

    private static Expected combined(int mode, float[] before, Expected product) {
        return switch (mode) {
            case ADD -> product.plus(before);
            case SILU ->
                product.times(Arrays.stream(widen(before)).map(OnKernels::silu).toArray());
            default -> product;
        };
    }

    private static String entry(Sample sample) {
        return "gatun_any_" + sample.oneOf("entry", ENTRIES);
    }

    /** Any is right. */
    private static LaunchShape grid(Sample sample) {
        return LaunchShape.of(1, 256).grid(sample.integer("grid x", 1, 40), sample.integer("grid y", 1, 12), 1);
    }

    /** The struct AnyProduct. */
    private static final class Product {
        private final MemorySegment struct = Arena.ofAuto().allocate(160, 8);

        Product address(long offset, Region region) {
            region.storeAddress(struct, offset);
            return this;
        }

        Product numbers(long offset, int... numbers) {
            MemorySegment.copy(numbers, 0, struct, ValueLayout.JAVA_INT_UNALIGNED, offset, numbers.length);
            return this;
        }
    }

    private final class Layer {
        private final Sample sample;
        private final int hidden;
        private final int ffn;
        private final int experts;
        private final int topK;
        private final int tokens;
        private final int absent;
        private final int[] ids;
        private final SampleAny[][] matrices;
        private final Region error = gpu.zeros(1);
        private final Region table;
        private final Region blocks;

        Layer(Sample sample, int tokens) {
            this.sample = sample;
            this.tokens = tokens;
            hidden = sample.integer("hidden", 4, 1, 40);
            ffn = sample.integer("ffn", 4, 1, 50);
            experts = sample.integer("experts", 1, 9);
            topK = sample.integer("top k", 1, Math.min(4, experts));
            ids = sample.choices(tokens, topK, experts);
            absent = sample.flag("absent") ? ids[sample.below(ids.length)] : -1;
            int format = SampleAny.format(sample);
            matrices = new SampleAny[experts][];
            for (int e = 0; e < experts; e++) {
                matrices[e] = new SampleAny[] {
                    new SampleAny(sample, format, ffn, hidden),
                    new SampleAny(sample, format, ffn, hidden),
                    new SampleAny(sample, format, hidden, ffn)
                };
            }
            MemorySegment structs = Arena.ofAuto().allocate(72L * 3 * experts, 8);
            boolean inBlocks = sample.flag("blocks");
            blocks = inBlocks ? describeInBlocks(structs) : null;
            if (!inBlocks) {
                describe(structs);
            }
            table = gpu.input(structs);
        }

        private void describe(MemorySegment structs) {
            for (int i = 0; i < 3 * experts; i++) {
                MemorySegment struct = structs.asSlice(72L * i, 72);
                matrices[i / 3][i % 3].describe(gpu, struct);
                if (i / 3 == absent) {
                    struct.set(ValueLayout.JAVA_LONG_UNALIGNED, 0, 0);
                }
            }
        }

        private Region describeInBlocks(MemorySegment structs) {
            Region[] uploaded = new Region[experts];
            long start = sample.oneOf("start", 16, 4);
            for (int e = 0; e < experts; e++) {
                long bytes = start;
                for (SampleAny matrix : matrices[e]) {
                    bytes += matrix.bytes();
                }
                MemorySegment block = Arena.ofAuto().allocate(bytes, 16);
                long at = start;
                for (int which = 0; which < 3; which++) {
                    at = matrices[e][which].describe(structs.asSlice(72L * (3 * e + which), 72), block, at);
                }
                uploaded[e] = e == absent ? null : gpu.input(block);
            }
            return gpu.addresses(uploaded);
        }

        private Product product(int which, int topKOrNone, int mode, Region order, Region x, Region y) {
            Product product = new Product().address(0, table);
            if (blocks != null) {
                product.address(8, blocks);
            }
            int[] offsets = new int[experts + 1];
            for (int id : ids) {
                offsets[id + 1]++;
            }
            Arrays.parallelPrefix(offsets, Integer::sum);
            product.address(16, gpu.input(offsets))
                    .address(24, order)
                    .address(32, x)
                    .address(40, y);
            product.address(48, error);
            int rows = which == 2 ? hidden : ffn;
            int columns = which == 2 ? ffn : hidden;
            return product.numbers(56, ids.length, experts, which, topKOrNone, mode, rows, columns, 0);
        }

        void check() {
            int[] sorted = IntStream.range(0, ids.length)
                    .boxed()
                    .sorted(Comparator.comparingInt(i -> ids[i]))
                    .mapToInt(i -> i)
                    .toArray();
            float[] x = sample.floats(tokens * hidden, 1);
            Region input = gpu.input(x);
            Region order = gpu.input(sorted);
            Region h = gpu.outputFloats((long) ids.length * ffn);
            Region out = gpu.outputFloats((long) ids.length * hidden);
            Product[] products = {
                product(0, topK, STORE, order, input, h),
                product(1, topK, SILU, order, input, h),
                product(2, 0, STORE, order, h, out)
            };
            String[] entries = {entry(sample), entry(sample), entry(sample)};
            LaunchShape grid = grid(sample);
            gpu.twice(() -> {
                for (int i = 0; i < products.length; i++) {
                    gpu.launch(entries[i], grid, products[i].struct);
                }
            });
            assertThat(error.ints()).containsExactly(absent < 0 ? 0 : ERROR_ABSENT);
            for (int i = 0; i < sorted.length; i++) {
                int token = sorted[i] / topK;
                float[] row = Arrays.copyOfRange(x, token * hidden, (token + 1) * hidden);
                expert(ids[sorted[i]], row)
                        .requireNear(Arrays.copyOfRange(out.floats(), i * hidden, (i + 1) * hidden), 5 * TOLERANCE);
            }
        }

        private Expected expert(int id, float[] x) {
            SampleAny[] expert = matrices[id];
            return id == absent
                    ? Expected.input(hidden, new float[hidden])
                    : oracles.expert(expert[0].known, expert[1].known, expert[2].known, Expected.input(hidden, x));
        }
    }
}
