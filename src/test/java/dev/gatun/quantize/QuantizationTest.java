package dev.gatun.quantize;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gatun.checkpoint.Checkpoint;
import dev.gatun.checkpoint.CheckpointWriter;
import dev.gatun.checkpoint.ExpertWeights;
import dev.gatun.checkpoint.LayerWeights;
import dev.gatun.checkpoint.MixtralConfig;
import dev.gatun.checkpoint.ModelWeights;
import dev.gatun.checkpoint.SampleModels;
import dev.gatun.checkpoint.TinyCheckpoints;
import dev.gatun.cuda.RequiresGpu;
import dev.gatun.quant.DenseMatrix;
import dev.gatun.quant.Dequantizer;
import dev.gatun.quant.FloatType;
import dev.gatun.quant.JavaTiler;
import dev.gatun.quant.QuantizedMatrix;
import dev.gatun.quant.TileFormat;
import dev.gatun.quant.TiledMatrix;
import dev.gatun.quant.WeightMatrix;
import dev.gatun.quant.solver.QuantizationException;
import dev.gatun.quant.solver.Solver;
import dev.gatun.quant.solver.Target;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class QuantizationTest {
    private static final int THREADS = 2;

    /** What is written of the small model: a trunk and five layers. */
    private static final String THIRD_SHARD = "model-00003-of-00006.safetensors";

    private static final String CALIBRATION = "Once upon a time there was a fox who lived in a wood. ".repeat(40);

    @TempDir
    Path folder;

    private static QuantizationPlan plan(SolverChoice solver) {
        return new QuantizationPlan(solver, PartFormat.narrow(2, 16), PartFormat.wide(4, 64), PartFormat.asItIs());
    }

    private static void quantize(Path source, Path target, QuantizationPlan plan, Quantization.Listener listener) {
        quantize(source, target, plan, plan.solver().onCpu(), listener);
    }

    private static void quantize(
            Path source, Path target, QuantizationPlan plan, Solver solver, Quantization.Listener listener) {
        Optional<String> text = plan.solver() == SolverChoice.GPTQ ? Optional.of(CALIBRATION) : Optional.empty();
        try (Checkpoint checkpoint = Checkpoint.open(source)) {
            new Quantization(checkpoint, plan, text, new JavaTiler(), THREADS).run(target, solver, listener);
        }
    }

    private static void quantize(Path source, Path target, QuantizationPlan plan) {
        quantize(source, target, plan, (weights, all) -> {});
    }

    /** Root of the mean squared error over that of the weights. */
    private static double relativeError(WeightMatrix original, WeightMatrix quantized) {
        double[] before = Dequantizer.toDoubles(original);
        double[] after = Dequantizer.toDoubles(quantized);
        double error = 0;
        double all = 0;
        for (int i = 0; i < before.length; i++) {
            error += Math.pow(before[i] - after[i], 2);
            all += before[i] * before[i];
        }
        return Math.sqrt(error / all);
    }

    @Test
    void everyMatrixIsNearTheOneThatItWas() {
        QuantizationPlan plan = new QuantizationPlan(
                SolverChoice.LEAST_SQUARES, PartFormat.narrow(2, 16), PartFormat.wide(4, 64), PartFormat.wide(8, 64));
        quantize(SampleModels.huggingFace(), folder, plan);
        try (Checkpoint before = Checkpoint.open(SampleModels.huggingFace());
                Checkpoint after = Checkpoint.open(folder)) {
            assertThat(after.config()).isEqualTo(before.config());
            assertThat(relativeError(before.weights().head(), after.weights().head()))
                    .isBetween(1e-4, 0.01);
            for (int layer = 0; layer < before.config().layers(); layer++) {
                var original = before.weights().layers().get(layer);
                var quantized = after.weights().layers().get(layer);
                assertThat(relativeError(original.query(), quantized.query())).isBetween(0.01, 0.1);
                assertThat(relativeError(original.output(), quantized.output())).isBetween(0.01, 0.1);
                assertThat(Dequantizer.toFloats(quantized.router()))
                        .containsExactly(Dequantizer.toFloats(original.router()));
                for (int expert = 0; expert < before.config().experts(); expert++) {
                    ExpertWeights tiles = quantized.experts().get(expert);
                    assertThat(((TiledMatrix) tiles.gate()).shape().format()).isEqualTo(TileFormat.Q2N);
                    ExpertWeights dense = original.experts().get(expert);
                    assertThat(relativeError(dense.gate(), tiles.gate())).isBetween(0.1, 0.3);
                    assertThat(relativeError(dense.down(), tiles.down())).isBetween(0.1, 0.3);
                }
            }
        }
        assertThat(folder.resolve("tokenizer.json"))
                .hasSameBinaryContentAs(SampleModels.huggingFace().resolve("tokenizer.json"));
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3, 4, 8})
    void theMoreBitsTheSmallerTheError(int bits) {
        QuantizationPlan plan = new QuantizationPlan(
                SolverChoice.HQQ, PartFormat.wide(bits, 64), PartFormat.asItIs(), PartFormat.asItIs());
        quantize(SampleModels.huggingFace(), folder, plan);
        try (Checkpoint before = Checkpoint.open(SampleModels.huggingFace());
                Checkpoint after = Checkpoint.open(folder)) {
            WeightMatrix original =
                    before.weights().layers().getLast().experts().getLast().up();
            WeightMatrix quantized =
                    after.weights().layers().getLast().experts().getLast().up();
            double error = relativeError(original, quantized);
            assertThat(error * (1 << bits)).isBetween(0.5, 2.2);
            assertThat(after.weights().layers().getFirst().key()).isInstanceOf(DenseMatrix.class);
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = SolverChoice.class,
            names = {"LEAST_SQUARES", "GPTQ"})
    void expertsMayStayAsTheyAre(SolverChoice solver) {
        quantize(
                SampleModels.huggingFace(),
                folder,
                new QuantizationPlan(solver, PartFormat.asItIs(), PartFormat.wide(4, 64), PartFormat.asItIs()),
                (weights, all) -> assertThat(all).isEqualTo(819_200));
        try (Checkpoint before = Checkpoint.open(SampleModels.huggingFace());
                Checkpoint after = Checkpoint.open(folder)) {
            LayerWeights original = before.weights().layers().getLast();
            LayerWeights written = after.weights().layers().getLast();
            assertThat(relativeError(original.key(), written.key())).isBetween(0.01, 0.2);
            DenseMatrix down = (DenseMatrix) original.experts().getLast().down();
            DenseMatrix same = (DenseMatrix) written.experts().getLast().down();
            assertThat(same.type()).isEqualTo(down.type());
            assertThat(same.values().mismatch(down.values())).isEqualTo(-1);
        }
    }

    @Test
    void aPlanThatQuantizesNothingIsRefused() {
        assertThatThrownBy(() -> new QuantizationPlan(
                        SolverChoice.HQQ, PartFormat.asItIs(), PartFormat.asItIs(), PartFormat.asItIs()))
                .isInstanceOf(QuantizationException.class)
                .hasMessageContaining("gatun convert");
    }

    @Test
    void progressRisesToAllWeights() {
        AtomicLong last = new AtomicLong(-1);
        quantize(SampleModels.huggingFace(), folder, plan(SolverChoice.LEAST_SQUARES), (weights, all) -> {
            assertThat(weights).isBetween(last.get(), all);
            assertThat(all).isEqualTo(11_796_480 + 819_200);
            last.set(weights);
        });
        assertThat(last.get()).isEqualTo(11_796_480 + 819_200);
    }

    /** By what a listener throws an interrupt ends the work, which must not be unheard for as long as a model takes. */
    @Test
    void theListenerHearsOfEveryMatrixEvenIfNoneCounts() {
        AtomicInteger calls = new AtomicInteger();
        QuantizationPlan plan = new QuantizationPlan(
                SolverChoice.HQQ, PartFormat.asItIs(), PartFormat.wide(4, 64), PartFormat.asItIs());
        quantize(SampleModels.huggingFace(), folder, plan, (weights, all) -> calls.incrementAndGet());
        try (Checkpoint model = Checkpoint.open(SampleModels.huggingFace())) {
            int attention = 4;
            int experts = 3 * model.config().experts();
            // Attention is looked at before anything is written, and quantized later.
            assertThat(calls.get()).isGreaterThanOrEqualTo(model.config().layers() * (2 * attention + experts));
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = SolverChoice.class,
            names = {"LEAST_SQUARES", "GPTQ"})
    void anInterruptedRunGoesOnWhereItWasAndTrustsNothingThatIsNotWhole(SolverChoice solver) throws IOException {
        Path whole = folder.resolve("whole");
        quantize(SampleModels.huggingFace(), whole, plan(solver));
        Path target = folder.resolve("target");
        assertThatThrownBy(() -> quantize(SampleModels.huggingFace(), target, plan(solver), (weights, all) -> {
                    if (weights > all / 2) {
                        throw new CancellationException("enough");
                    }
                }))
                .hasMessage("enough");
        Path good = target.resolve("model-00002-of-00006.safetensors");
        Path damaged = target.resolve(THIRD_SHARD);
        byte[] bytes = Files.readAllBytes(damaged);
        bytes[bytes.length / 2] ^= 4;
        Files.write(damaged, bytes);
        // One that was renamed, but not recorded; and one that was not finished.
        Files.write(target.resolve("model-00005-of-00006.safetensors"), new byte[100]);
        Files.write(target.resolve("model-00006-of-00006.safetensors.part"), new byte[100]);
        FileTime old = FileTime.fromMillis(1_000_000_000_000L);
        Files.setLastModifiedTime(good, old);
        quantize(SampleModels.huggingFace(), target, plan(solver));
        assertThat(Files.getLastModifiedTime(good)).isEqualTo(old);
        assertThat(contents(target)).isEqualTo(contents(whole));
    }

    /** The bytes of each file by its name. */
    private static Map<String, byte[]> read(Path folder) throws IOException {
        Map<String, byte[]> contents = new TreeMap<>();
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.toList()) {
                contents.put(file.getFileName().toString(), Files.readAllBytes(file));
            }
        }
        return contents;
    }

    private static Map<String, Integer> contents(Path folder) throws IOException {
        Map<String, Integer> hashes = new TreeMap<>();
        read(folder).forEach((name, bytes) -> hashes.put(name, java.util.Arrays.hashCode(bytes)));
        return hashes;
    }

    /** Quantizes several matrices at once on the CPU. */
    private record SideBySide(Solver inner, int matricesAtOnce) implements Solver {
        @Override
        public QuantizedMatrix quantize(String name, DenseMatrix weights, Target target) {
            return inner.quantize(name, weights, target);
        }
    }

    @Test
    void matricesQuantizedAtOnceChangeNoByte() throws IOException {
        QuantizationPlan plan = new QuantizationPlan(
                SolverChoice.HQQ, PartFormat.narrow(2, 16), PartFormat.wide(4, 64), PartFormat.wide(8, 64));
        Path whole = folder.resolve("whole");
        quantize(SampleModels.huggingFace(), whole, plan);
        Path target = folder.resolve("target");
        AtomicLong last = new AtomicLong();
        Solver solver = new SideBySide(plan.solver().onCpu(), 5);
        quantize(SampleModels.huggingFace(), target, plan, solver, (weights, all) -> {
            assertThat(weights).as("heard of one after the other").isBetween(last.get(), all);
            last.set(weights);
        });
        assertThat(contents(target)).isEqualTo(contents(whole));
    }

    @Test
    @RequiresGpu
    void theGpuWritesTheBytesOfTheCpu() throws IOException {
        Path whole = folder.resolve("whole");
        quantize(SampleModels.huggingFace(), whole, plan(SolverChoice.LEAST_SQUARES));
        Path target = folder.resolve("target");
        try (OpenedSolver opened = OpenedSolver.cuda(SolverChoice.LEAST_SQUARES)) {
            quantize(
                    SampleModels.huggingFace(),
                    target,
                    plan(SolverChoice.LEAST_SQUARES),
                    opened.solver(),
                    (weights, all) -> {});
        }
        assertThat(contents(target)).isEqualTo(contents(whole));
    }

    @Test
    void whatAnotherPlanWroteIsWrittenAgain() throws IOException {
        Path whole = folder.resolve("whole");
        quantize(SampleModels.huggingFace(), whole, plan(SolverChoice.HQQ));
        Path target = folder.resolve("target");
        assertThatThrownBy(() -> quantize(
                        SampleModels.huggingFace(), target, plan(SolverChoice.LEAST_SQUARES), (weights, all) -> {
                            if (weights > all / 2) {
                                throw new CancellationException("enough");
                            }
                        }))
                .hasMessage("enough");
        quantize(SampleModels.huggingFace(), target, plan(SolverChoice.HQQ));
        assertThat(contents(target)).isEqualTo(contents(whole));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "model.layers.1.block_sparse_moe.experts.2.w2.weight",
                "model.layers.1.self_attn.v_proj.weight",
                "model.layers.0.block_sparse_moe.gate.weight",
                "model.embed_tokens.weight",
                "lm_head.weight"
            })
    void aWeightThatIsNoNumberIsRefusedByItsTensorsName(String name) throws IOException {
        MixtralConfig config = TinyCheckpoints.tileableConfig();
        Path source = Files.createDirectory(folder.resolve("source"));
        ModelWeights weights = TinyCheckpoints.dense(config, FloatType.F32, 5);
        CheckpointWriter.writeHuggingFace(source, config, weights, 1);
        putFirst(source.resolve("model.safetensors"), name, Float.NaN);
        QuantizationPlan plan = new QuantizationPlan(
                SolverChoice.LEAST_SQUARES, PartFormat.narrow(2, 16), PartFormat.asItIs(), PartFormat.asItIs());
        assertThatThrownBy(() -> quantize(source, folder.resolve("target"), plan))
                .isInstanceOf(QuantizationException.class)
                .hasMessageContaining("`" + name + "` has NaN at row 0, column 0");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"model.layers.1.block_sparse_moe.experts.2.w2.weight", "model.layers.1.self_attn.v_proj.weight"})
    void aWeightThatIsTooLargeIsRefusedByItsTensorsNameIfItIsToBeQuantized(String name) throws IOException {
        MixtralConfig config = TinyCheckpoints.tileableConfig();
        Path source = Files.createDirectory(folder.resolve("source"));
        CheckpointWriter.writeHuggingFace(source, config, TinyCheckpoints.dense(config, FloatType.F32, 5), 1);
        putFirst(source.resolve("model.safetensors"), name, 70_000);
        putFirst(source.resolve("model.safetensors"), "model.embed_tokens.weight", 70_000);
        QuantizationPlan plan = new QuantizationPlan(
                SolverChoice.HQQ, PartFormat.narrow(2, 16), PartFormat.narrow(4, 16), PartFormat.asItIs());
        assertThatThrownBy(() -> quantize(source, folder.resolve("target"), plan))
                .isInstanceOf(QuantizationException.class)
                .hasMessageContaining("`" + name + "` has 70000.0 at row 0, column 0; magnitudes above 8192");
    }

    /** In the first weight of a tensor. */
    private static void putFirst(Path file, String name, float value) throws IOException {
        try (RandomAccessFile bytes = new RandomAccessFile(file.toFile(), "rw")) {
            long header = Long.reverseBytes(bytes.readLong());
            byte[] json = new byte[Math.toIntExact(header)];
            bytes.readFully(json);
            long begin = tools.jackson.databind.json.JsonMapper.shared()
                    .readTree(json)
                    .path(name)
                    .path("data_offsets")
                    .get(0)
                    .asLong();
            bytes.seek(Long.BYTES + header + begin);
            bytes.writeInt(Integer.reverseBytes(Float.floatToIntBits(value)));
        }
    }

    @Test
    void groupsThatDoNotDivideAreRefusedBeforeAnythingIsWritten() {
        QuantizationPlan plan = new QuantizationPlan(
                SolverChoice.HQQ, PartFormat.wide(4, 48), PartFormat.asItIs(), PartFormat.asItIs());
        Path target = folder.resolve("target");
        assertThatThrownBy(() -> quantize(SampleModels.huggingFace(), target, plan))
                .isInstanceOf(QuantizationException.class)
                .hasMessageContaining("experts.0.w2` is a matrix of 256 x 384, which 4 bits in groups of 48");
        assertThat(target).doesNotExist();
    }

    @Test
    void aModelThatIsQuantizedAlreadyIsRefused() {
        assertThatThrownBy(() -> quantize(SampleModels.offloading(), folder, plan(SolverChoice.HQQ)))
                .isInstanceOf(QuantizationException.class)
                .hasMessageContaining("q_proj` is quantized already");
    }
}
