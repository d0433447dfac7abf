package dev.gatun.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gatun.checkpoint.ExpertWeights;
import dev.gatun.checkpoint.LayerWeights;
import dev.gatun.checkpoint.MixtralConfig;
import dev.gatun.checkpoint.ModelWeights;
import dev.gatun.checkpoint.Seeds;
import dev.gatun.cpu.CpuLevel;
import dev.gatun.engine.Backend;
import dev.gatun.engine.ForwardPass;
import dev.gatun.engine.KvCache;
import dev.gatun.engine.KvPrecision;
import dev.gatun.engine.cpu.CpuBackend;
import dev.gatun.offload.ExpertSource;
import dev.gatun.offload.ModelSizes;
import dev.gatun.offload.PlanException;
import dev.gatun.quant.DenseMatrix;
import dev.gatun.quant.Dequantizer;
import dev.gatun.quant.ExpertBlock;
import dev.gatun.quant.HqqMatrix;
import dev.gatun.quant.HqqTiler;
import dev.gatun.quant.NarrowMatrix;
import dev.gatun.quant.TileFormat;
import dev.gatun.quant.TileReader;
import dev.gatun.quant.TileShape;
import dev.gatun.quant.TiledMatrix;
import dev.gatun.quant.WeightMatrix;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class SyntheticModelTest {
    /** Of sizes that the formats divide, one of them no multiple of a tile's columns. */
    private static final MixtralConfig CONFIG = config(256, 448, 3);

    private static MixtralConfig config(int hidden, int ffn, int layers) {
        return new MixtralConfig(hidden, ffn, layers, 4, 2, 64, 4, 2, 300, 512, 1e6, 1e-5, OptionalInt.empty(), false);
    }

    private static MemorySegment expert(ExpertSource source, int layer, int expert, byte before) {
        MemorySegment block = Arena.ofAuto().allocate(source.block().bytes(), 4096);
        block.fill(before);
        source.write(layer, expert, block);
        return block;
    }

    private static List<MemorySegment> parts(ExpertBlock block, MemorySegment memory) {
        return List.of(
                memory.asSlice(block.gateOffset(), block.gate().bytes()),
                memory.asSlice(block.upOffset(), block.up().bytes()),
                memory.asSlice(block.downOffset(), block.down().bytes()));
    }

    private static List<TileShape> shapes(ExpertBlock block) {
        return List.of(block.gate(), block.up(), block.down());
    }

    @Test
    void anExpertIsTheTilesOfThreeMatricesInThePublishedScheme() {
        long seed = Seeds.next();
        try (SyntheticModel model = SyntheticModel.make(CONFIG, TileFormat.Q2, seed)) {
            ExpertBlock shape = model.experts().block();
            MemorySegment block = expert(model.experts(), 1, 2, (byte) 0x55);
            Arena arena = Arena.ofAuto();
            List<HqqMatrix> matrices = untiled(shape, block, arena);
            MemorySegment again = arena.allocate(shape.bytes(), 4096);
            shape.tile(matrices.get(0), matrices.get(1), matrices.get(2), again);
            assertThat(block.mismatch(again)).as(Seeds.hint(seed)).isEqualTo(-1);
            assertThat(ExpertBlock.of(matrices.get(0), matrices.get(1), matrices.get(2)))
                    .contains(shape);
            assertThat(matrices.get(0).scheme().scaleGroup()).isEqualTo(128);
            // In the order of slices its pairs may be repeated.
            assertThat(128 % matrices.get(2).scheme().scaleGroup()).isZero();
        }
    }

    private static List<HqqMatrix> untiled(ExpertBlock shape, MemorySegment block, Arena arena) {
        return IntStream.range(0, 3)
                .mapToObj(i -> HqqTiler.untile(
                        shapes(shape).get(i), parts(shape, block).get(i), arena))
                .toList();
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "Q4")
    void expertsAreCentredAndKeepTheMagnitudeOfAVector(TileFormat format) {
        long seed = Seeds.next();
        try (SyntheticModel model = SyntheticModel.make(CONFIG, format, seed)) {
            ExpertBlock shape = model.experts().block();
            MemorySegment block = expert(model.experts(), 2, 3, (byte) 0);
            for (int i = 0; i < 3; i++) {
                TileShape matrix = shapes(shape).get(i);
                double[] weights = new TileReader(matrix, parts(shape, block).get(i)).weights();
                assertUnit(weights, matrix, 0.15, format + ", " + Seeds.hint(seed));
            }
        }
    }

    /** A matrix of few second-level pairs may be off by what those are. */
    private static void assertUnit(double[] weights, TileShape shape, double margin, String hint) {
        assertThat(Arrays.stream(weights)).as(hint).allMatch(Double::isFinite);
        double deviation = Math.sqrt(
                Arrays.stream(weights).map(weight -> weight * weight).average().orElseThrow());
        double mean = Arrays.stream(weights).average().orElseThrow();
        assertThat(deviation * Math.sqrt(shape.columns())).as(hint).isBetween(1 - margin, 1 + margin);
        // Weights of a group share its zero.
        int groups = weights.length / shape.format().groupSize();
        assertThat(Math.abs(mean)).as(hint).isLessThan(6 * deviation / Math.sqrt(groups));
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "Q4")
    void everyByteFollowsFromSeedAndPlace(TileFormat format) {
        long seed = Seeds.next();
        try (SyntheticModel model = SyntheticModel.make(CONFIG, format, seed);
                SyntheticModel same = SyntheticModel.make(CONFIG, format, seed);
                SyntheticModel other = SyntheticModel.make(CONFIG, format, ~seed)) {
            MemorySegment block = expert(model.experts(), 1, 1, (byte) 0x55);
            assertThat(block.mismatch(expert(same.experts(), 1, 1, (byte) 0xaa)))
                    .as(Seeds.hint(seed))
                    .isEqualTo(-1);
            for (MemorySegment different : List.of(
                    expert(other.experts(), 1, 1, (byte) 0),
                    expert(model.experts(), 1, 2, (byte) 0),
                    expert(model.experts(), 2, 1, (byte) 0))) {
                assertThat(sharedWords(block, different)).as(Seeds.hint(seed)).isLessThan(0.2);
            }
            assertThat(segments(model.weights()))
                    .zipSatisfy(
                            segments(same.weights()),
                            (mine, its) -> assertThat(mine.mismatch(its)).isEqualTo(-1));
            assertThat(sharedWords(
                            ((DenseMatrix) model.weights().head()).values(),
                            ((DenseMatrix) other.weights().head()).values()))
                    .isLessThan(0.2);
        }
    }

    /** The share of equal words; padding and constants are equal everywhere. */
    private static double sharedWords(MemorySegment one, MemorySegment other) {
        long words = one.byteSize() / Long.BYTES;
        long equal = IntStream.range(0, Math.toIntExact(words))
                .filter(i -> one.asSlice(8L * i, 8).mismatch(other.asSlice(8L * i, 8)) < 0)
                .count();
        return (double) equal / words;
    }

    private static List<MemorySegment> segments(ModelWeights weights) {
        return Stream.concat(
                        Stream.of(weights.embeddings(), weights.head(), weights.finalNorm()),
                        weights.layers().stream().flatMap(SyntheticModelTest::matrices))
                .flatMap(matrix -> switch (matrix) {
                    case DenseMatrix dense -> Stream.of(dense.values());
                    case HqqMatrix hqq ->
                        Stream.of(hqq.codes(), hqq.scaleCodes(), hqq.zeroCodes(), hqq.scaleScales(), hqq.scaleZeros());
                    case NarrowMatrix narrow -> Stream.of(narrow.codes(), narrow.metas(), narrow.pairs());
                    case TiledMatrix tiled -> Stream.of(tiled.tiles());
                })
                .toList();
    }

    private static Stream<WeightMatrix> matrices(LayerWeights layer) {
        return Stream.of(
                layer.attentionNorm(),
                layer.query(),
                layer.key(),
                layer.value(),
                layer.output(),
                layer.expertNorm(),
                layer.router());
    }

    @Test
    void theTrunkHasTheShapesOfThePlan() {
        long seed = Seeds.next();
        try (SyntheticModel model = SyntheticModel.make(CONFIG, TileFormat.Q2N, seed)) {
            ModelWeights weights = model.weights();
            assertThat(weights.layers()).hasSize(3);
            for (LayerWeights layer : weights.layers()) {
                assertThat(layer.experts()).isEmpty();
                for (WeightMatrix matrix : List.of(layer.query(), layer.key(), layer.value(), layer.output())) {
                    TileShape shape = TileShape.of((HqqMatrix) matrix).orElseThrow();
                    assertThat(shape.format()).isEqualTo(TileFormat.Q4);
                    assertUnit(Dequantizer.toDoubles(matrix), shape, 0.35, Seeds.hint(seed));
                }
                assertThat(Dequantizer.toDoubles(layer.attentionNorm())).containsOnly(1);
                assertThat(layer.router().rows()).isEqualTo(4);
            }
            long norms = 7L * 256 * Short.BYTES;
            long dense = weights.embeddings().bytes() + weights.head().bytes() + norms;
            long layers = weights.layers().stream()
                    .mapToLong(layer -> Stream.of(layer.query(), layer.key(), layer.value(), layer.output())
                                    .mapToLong(matrix -> TileShape.of((HqqMatrix) matrix)
                                            .orElseThrow()
                                            .bytes())
                                    .sum()
                            + layer.router().bytes())
                    .sum();
            ModelSizes planned = ModelSizes.quantized(CONFIG, TileFormat.Q2N, 64);
            assertThat(dense + layers).isEqualTo(planned.trunk());
            assertThat(model.experts().block().bytes()).isEqualTo(planned.expert());
        }
    }

    @Test
    void logitsStayFiniteAndOfUsualSizeThroughManyLayers() {
        long seed = Seeds.next();
        MixtralConfig deep = config(256, 448, 32);
        try (SyntheticModel model = SyntheticModel.make(deep, TileFormat.Q2, seed);
                Backend backend = new CpuBackend(deep, withExperts(model), 2, CpuLevel.chosen());
                KvCache cache = backend.newKvCache(100, KvPrecision.F16)) {
            int[] tokens = IntStream.range(0, 40).toArray();
            float[] logits = new float[deep.vocabularySize()];
            backend.await(new ForwardPass(backend, deep.layers()).run(tokens, cache, 1), logits);
            double squares = 0;
            for (float logit : logits) {
                squares += (double) logit * logit;
            }
            assertThat(Math.sqrt(squares / logits.length)).as(Seeds.hint(seed)).isBetween(0.5, 5.0);
        }
    }

    private static ModelWeights withExperts(SyntheticModel model) {
        ModelWeights trunk = model.weights();
        ExpertBlock shape = model.experts().block();
        List<LayerWeights> layers = IntStream.range(0, trunk.layers().size())
                .mapToObj(number -> {
                    LayerWeights layer = trunk.layers().get(number);
                    List<ExpertWeights> experts = IntStream.range(
                                    0, model.config().experts())
                            .mapToObj(expert ->
                                    untiled(shape, expert(model.experts(), number, expert, (byte) 0), Arena.ofAuto()))
                            .map(parts -> new ExpertWeights(parts.get(0), parts.get(1), parts.get(2)))
                            .toList();
                    return new LayerWeights(
                            layer.attentionNorm(),
                            layer.query(),
                            layer.key(),
                            layer.value(),
                            layer.output(),
                            layer.expertNorm(),
                            layer.router(),
                            experts);
                })
                .toList();
        return new ModelWeights(trunk.embeddings(), layers, trunk.finalNorm(), trunk.head());
    }

    @Test
    void whatTheFormatsDoNotDivideIsRefused() {
        assertThatThrownBy(() -> SyntheticModel.make(config(250, 448, 1), TileFormat.Q2, 1))
                .isInstanceOf(PlanException.class)
                .hasMessageContaining("cannot be quantized");
        try (SyntheticModel model = SyntheticModel.make(CONFIG, TileFormat.Q2, 1)) {
            MemorySegment block =
                    Arena.ofAuto().allocate(model.experts().block().bytes(), 4096);
            assertThatExceptionOfType(IndexOutOfBoundsException.class)
                    .isThrownBy(() -> model.experts().write(3, 0, block));
            assertThatExceptionOfType(IndexOutOfBoundsException.class)
                    .isThrownBy(() -> model.experts().write(0, 4, block));
            assertThatExceptionOfType(IndexOutOfBoundsException.class)
                    .isThrownBy(() -> model.experts().write(0, 0, block.asSlice(4096)));
        }
    }

    @Test
    void theTrunkIsGoneWithTheModel() {
        SyntheticModel model = SyntheticModel.make(CONFIG, TileFormat.Q2, 1);
        model.close();
        assertThatThrownBy(() -> Dequantizer.toFloats(model.weights().finalNorm()))
                .isInstanceOf(IllegalStateException.class);
    }
}
