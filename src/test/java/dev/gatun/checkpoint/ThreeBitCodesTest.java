package dev.gatun.checkpoint;

import static dev.gatun.checkpoint.Refusals.assertOneLine;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.gatun.quant.Dequantizer;
import dev.gatun.quant.HqqMatrix;
import dev.gatun.quant.HqqScheme;
import dev.gatun.quant.JavaTiler;
import dev.gatun.quant.RandomMatrices;
import dev.gatun.quant.WeightMatrix;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SplittableRandom;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class ThreeBitCodesTest {
    private static final int COLUMNS = 24;

    /** The words of codes [rows][columns], spelled out apart from the reader. */
    private static int[] pack(int[][] codes, int groupSize, ThreeBitOrder order) {
        int rows = codes.length;
        int groupRows = rows / groupSize;
        boolean isNative = order == ThreeBitOrder.NATIVE;
        int packedRows = Math.ceilDiv(isNative ? groupSize : rows, 10);
        int width = isNative ? groupRows * COLUMNS : COLUMNS;
        int[] words = new int[packedRows * width];
        for (int n = 0; n < rows; n++) {
            for (int k = 0; k < COLUMNS; k++) {
                int place = isNative ? n / groupRows : n;
                int column = isNative ? n % groupRows * COLUMNS + k : k;
                int row = order == ThreeBitOrder.INTERLEAVED ? place / 10 : place % packedRows;
                int field = order == ThreeBitOrder.INTERLEAVED ? place % 10 : place / packedRows;
                words[row * width + column] |= codes[n][k] << (27 - 3 * field);
            }
        }
        return words;
    }

    private static StoredTensor stored(int[] words) {
        ByteBuffer bytes =
                ByteBuffer.allocateDirect(words.length * Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asIntBuffer().put(words);
        Tensor tensor = new Tensor(
                "w1.W_q",
                TensorType.I32,
                List.of((long) words.length),
                MemorySegment.ofBuffer(bytes).asReadOnly());
        return new StoredTensor(Path.of("shard"), 0, tensor);
    }

    private static int[][] codes(int rows, SplittableRandom random) {
        int[][] codes = new int[rows][COLUMNS];
        for (int[] row : codes) {
            for (int k = 0; k < COLUMNS; k++) {
                row[k] = random.nextInt(8);
            }
        }
        return codes;
    }

    @ParameterizedTest
    @EnumSource
    void everyCodeIsThatOfItsWeightInAnyOrder(ThreeBitOrder order) {
        long seed = Seeds.next();
        SplittableRandom random = new SplittableRandom(seed);
        for (int groupSize : new int[] {4, 16, 64}) {
            int rows = groupSize * random.nextInt(1, 6);
            int[][] codes = codes(rows, random);
            HqqMatrix any = new RandomMatrices(seed).hqq(new HqqScheme(4, groupSize, 1), rows, COLUMNS);
            try (Arena arena = Arena.ofShared()) {
                MemorySegment wide = new ThreeBitCodes(rows, COLUMNS, groupSize)
                        .widen(stored(pack(codes, groupSize, order)), Optional.of(order), arena);
                assertThat(codesOf(any, wide)).as(Seeds.hint(seed)).isEqualTo(codes);
            }
        }
    }

    /** By the definition of HQQ's own order: with a scale of 1 and a zero of 0 a weight is its code. */
    private static int[][] codesOf(HqqMatrix shape, MemorySegment codes) {
        Arena arena = Arena.ofAuto();
        long groups = shape.scaleCodes().byteSize();
        MemorySegment ones = arena.allocate(groups).fill((byte) 1);
        MemorySegment scales = arena.allocate(2 * groups);
        for (long at = 0; at < groups; at++) {
            scales.set(ValueLayout.JAVA_SHORT_UNALIGNED, 2 * at, Float.floatToFloat16(1));
        }
        HqqMatrix plain = new HqqMatrix(
                shape.scheme(),
                shape.rows(),
                shape.columns(),
                codes,
                ones,
                scales,
                arena.allocate(2 * groups),
                arena.allocate(groups),
                1,
                0);
        int[][] weights = new int[shape.rows()][COLUMNS];
        double[] all = Dequantizer.toDoubles(plain);
        for (int i = 0; i < all.length; i++) {
            weights[i / COLUMNS][i % COLUMNS] = (int) all[i];
        }
        return weights;
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            64 | 16 | NATIVE      |             | ''
            64 | 16 | SPLIT       |             | order split or interleaved, and nothing in the file tells which
            64 | 16 | SPLIT       | INTERLEAVED | ''
            64 | 16 | SPLIT       | NATIVE      | do not fit a matrix of 64 x 24 in the order native; they would in the
            40 | 40 | NATIVE      |             | order native or split or interleaved
            40 | 20 | NATIVE      | NATIVE      | ''
            """)
    void anOrderThatTheNumberOfWordsLeavesOpenMustBeGiven(
            int rows, int groupSize, ThreeBitOrder packed, ThreeBitOrder given, String refusal) {
        int[] words = pack(codes(rows, new SplittableRandom(1)), groupSize, packed);
        ThreeBitCodes codes = new ThreeBitCodes(rows, COLUMNS, groupSize);
        try (Arena arena = Arena.ofShared()) {
            if (refusal.isEmpty()) {
                assertThat(codes.widen(stored(words), Optional.ofNullable(given), arena)
                                .byteSize())
                        .isEqualTo((long) rows * COLUMNS / 2);
            } else {
                assertThatThrownBy(() -> codes.widen(stored(words), Optional.ofNullable(given), arena))
                        .isInstanceOf(CheckpointException.class)
                        .hasMessageContaining("`shard`: tensor `w1.W_q`")
                        .hasMessageContaining(refusal);
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void anotherNumberOfWordsIsRefused(ThreeBitOrder order) {
        StoredTensor few = stored(new int[7]);
        assertThatThrownBy(() -> new ThreeBitCodes(64, COLUMNS, 16).widen(few, Optional.of(order), Arena.ofAuto()))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining("7 words of 3-bit codes");
    }

    /** Experts of 3 bits in int32, and attention of 4. */
    private static ModelWeights writeModel(Path folder, int groupSize, ThreeBitOrder order, long seed) {
        MixtralConfig config =
                new MixtralConfig(COLUMNS, COLUMNS, 1, 3, 1, 4, 2, 1, 20, 32, 1e6, 1e-5, OptionalInt.empty(), false);
        HqqScheme scheme = new HqqScheme(4, groupSize, 6);
        ModelWeights weights = TinyCheckpoints.quantized(config, new HqqScheme(4, 4, 2), scheme, seed);
        GatunFolder.writeMatrices(folder, config, weights, tensor -> packed(tensor, groupSize, order));
        return weights;
    }

    @ParameterizedTest
    @EnumSource
    void aConversionLeavesNoOrderToTell(ThreeBitOrder order, @TempDir Path folder) {
        long seed = Seeds.next();
        Path words = folder.resolve("words");
        Path planes = folder.resolve("planes");
        writeModel(words, 8, order, seed);
        CheckpointSource source = new CheckpointSource(words, words, Optional.of(order), StatedSchemes.none());
        try (Checkpoint before = Checkpoint.open(source)) {
            new GatunConversion(before, new JavaTiler()).run(planes, (done, all) -> {});
            try (Checkpoint after = Checkpoint.open(planes)) {
                for (int i = 0; i < 2; i++) {
                    ExpertWeights written =
                            before.weights().layers().getFirst().experts().get(i);
                    ExpertWeights read =
                            after.weights().layers().getFirst().experts().get(i);
                    assertThat(((HqqMatrix) read.down()).scheme()).isEqualTo(new HqqScheme(3, 8, 6));
                    assertThat(Dequantizer.toFloats(read.gate())).containsExactly(Dequantizer.toFloats(written.gate()));
                    assertThat(Dequantizer.toFloats(read.down())).containsExactly(Dequantizer.toFloats(written.down()));
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void aModelOfThreeBitsIsReadAsOneOfFour(ThreeBitOrder order, @TempDir Path folder) throws IOException {
        long seed = Seeds.next();
        ModelWeights weights = writeModel(folder, 4, order, seed);
        assertSameButForTheHighestBits(
                weights, new CheckpointSource(folder, folder, Optional.of(order), StatedSchemes.none()), seed);
        String name = order.name().toLowerCase(Locale.ROOT);
        Files.writeString(folder.resolve("quantization.json"), "{\"row_order\": \"" + name + "\"}");
        assertSameButForTheHighestBits(weights, CheckpointSource.of(folder), seed);
    }

    /** Other schemes of 3 bits than those that Gatun writes: theirs are groups of multiples of 8. */
    @ParameterizedTest
    @ValueSource(ints = {4, 12})
    void whatIsSoMayBeStated(int groupSize, @TempDir Path folder) throws IOException {
        writeModel(folder, groupSize, ThreeBitOrder.NATIVE, Seeds.next());
        Checkpoint.open(stated(folder, new StatedScheme(3, groupSize, 6))).close();
        assertOneLine(catchThrowable(() -> Checkpoint.open(stated(folder, new StatedScheme(3, 20, 6)))
                        .close()))
                .contains("of 3/" + groupSize + "/6 (bits/group/scale group), but --expert-scheme says 3/20/6;");
        Files.writeString(folder.resolve("quantization.json"), """
                {"experts": {"weight_quant_params": {"nbits": 3, "group_size": %d}, "scale_quant_params": {"group_size": 6}}}
                """.formatted(groupSize));
        Checkpoint.open(folder).close();
    }

    private static CheckpointSource stated(Path folder, StatedScheme experts) {
        StatedSchemes schemes = new StatedSchemes(Optional.empty(), Optional.of(experts));
        return new CheckpointSource(folder, folder, Optional.of(ThreeBitOrder.NATIVE), schemes);
    }

    private static void assertSameButForTheHighestBits(ModelWeights weights, CheckpointSource source, long seed) {
        try (Checkpoint checkpoint = Checkpoint.open(source)) {
            for (int expert = 0; expert < checkpoint.config().experts(); expert++) {
                ExpertWeights written = weights.layers().getFirst().experts().get(expert);
                ExpertWeights read =
                        checkpoint.weights().layers().getFirst().experts().get(expert);
                assertSameButForTheHighestBits(written.gate(), read.gate(), seed);
                assertSameButForTheHighestBits(written.up(), read.up(), seed);
                assertSameButForTheHighestBits(written.down(), read.down(), seed);
            }
        }
    }

    private static void assertSameButForTheHighestBits(WeightMatrix written, WeightMatrix read, long seed) {
        byte[] codes = ((HqqMatrix) written).codes().toArray(ValueLayout.JAVA_BYTE);
        for (int at = 0; at < codes.length; at++) {
            codes[at] &= 0x77;
        }
        assertThat(((HqqMatrix) read).codes().toArray(ValueLayout.JAVA_BYTE))
                .as(Seeds.hint(seed))
                .isEqualTo(codes);
        assertThat(((HqqMatrix) read).scheme()).isEqualTo(((HqqMatrix) written).scheme());
    }

    private static NamedTensor packed(NamedTensor tensor, int groupSize, ThreeBitOrder order) {
        if (tensor.type() != TensorType.U8 || !tensor.name().endsWith(".W_q")) {
            return tensor;
        }
        int half = Math.toIntExact(tensor.data().byteSize());
        int[][] codes = new int[2 * half / COLUMNS][COLUMNS];
        for (int weight = 0; weight < 2 * half; weight++) {
            int both = tensor.data().get(ValueLayout.JAVA_BYTE, weight % half);
            codes[weight / COLUMNS][weight % COLUMNS] = (weight < half ? both >> 4 : both) & 7;
        }
        StoredTensor stored = stored(pack(codes, groupSize, order));
        return new NamedTensor(
                tensor.name(),
                TensorType.I32,
                stored.tensor().shape(),
                stored.tensor().data());
    }
}
