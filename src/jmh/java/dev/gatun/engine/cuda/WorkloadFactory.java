package dev.gatun.engine.cuda;

import dev.gatun.checkpoint.MixtralConfig;
import dev.gatun.cuda.DeviceMemory;
import dev.gatun.engine.CandidateRequest;
import dev.gatun.quant.FloatType;
import dev.gatun.quant.TileFormat;
import java.util.List;
import java.util.Optional;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/** The operations of a forward pass but attention's, at the sizes of Mixtral 8x7B. */
final class WorkloadFactory {
    private static final int LAYERS = 32;
    private static final int ROTATED_BYTES = 256 << 20;
    private static final int HALF = Short.BYTES;
    private static final float EPSILON = (float) Mixtral8x7b.CONFIG.normEpsilon();

    private final BenchmarkDevice device;
    private final CudaWorkspace workspace;
    private final MixtralConfig config = Mixtral8x7b.CONFIG;
    private final int tokens;

    WorkloadFactory(BenchmarkDevice device, int tokens) {
        this.device = device;
        this.workspace = device.workspace();
        this.tokens = tokens;
    }

    /** The chosen experts of a layer. Few tokens choose others each time, many choose all of them. */
    Workload experts(ExpertsOperation operation, LayerExperts.Tiled layer) {
        DeviceFloats hidden = workspace.hidden().rows(0, tokens);
        // Apart from the workspace's, which lies under the results of the launch before.
        DeviceFloats normed = new DeviceFloats(
                device.memory(RandomMemory.Kind.FLOATS, (long) rowsBytes()), tokens, config.hiddenSize());
        List<ExpertChoices> choices = ExpertChoices.some(tokens, config.experts(), config.expertsPerToken());
        List<CudaRouting> routings = choices.stream()
                .map(choice -> new CudaRouting(normed, device.integers(choice.ids()), workspace.expertWeights()))
                .toList();
        double chosen =
                choices.stream().mapToInt(ExpertChoices::distinct).average().orElseThrow();
        double weights = 3.0 * config.hiddenSize() * config.intermediateSize();
        return new Workload(
                choices.size(),
                chosen * layer.block().bytes(),
                2.0 * tokens * config.expertsPerToken() * weights,
                node -> operation.run(layer, routings.get(node), hidden, device.error()));
    }

    /** Norm and the projections of queries, keys and values. */
    Workload projections(MatrixProducts products) {
        DeviceMemory norm = norm();
        DeviceFloats hidden = workspace.hidden().rows(0, tokens);
        List<DeviceFloats> outputs = List.of(
                workspace.queries().rows(0, tokens),
                workspace.keys().rows(0, tokens),
                workspace.values().rows(0, tokens));
        List<Projections> layers = rotated(
                projectionBytes(),
                node -> Projections.of(List.of(
                        device.tiles().matrix(Mixtral8x7b.projection(Mixtral8x7b.queryWidth())),
                        device.tiles().matrix(Mixtral8x7b.projection(Mixtral8x7b.keyWidth())),
                        device.tiles().matrix(Mixtral8x7b.projection(Mixtral8x7b.keyWidth())))));
        int rows = Mixtral8x7b.queryWidth() + 2 * Mixtral8x7b.keyWidth();
        return new Workload(
                layers.size(),
                projectionBytes(),
                2.0 * tokens * rows * config.hiddenSize(),
                node -> products.multiplyNormed(layers.get(node), hidden, norm, EPSILON, outputs));
    }

    private static long projectionBytes() {
        return Mixtral8x7b.projection(Mixtral8x7b.queryWidth()).bytes()
                + 2 * Mixtral8x7b.projection(Mixtral8x7b.keyWidth()).bytes();
    }

    /** The output projection of attention, onto the residual stream. */
    Workload output(MatrixProducts products) {
        DeviceFloats hidden = workspace.hidden().rows(0, tokens);
        DeviceFloats attended = workspace.attended().rows(0, tokens);
        long bytes = Mixtral8x7b.projection(config.hiddenSize()).bytes();
        List<DeviceMatrix.Tiled> layers =
                rotated(bytes, node -> device.tiles().matrix(Mixtral8x7b.projection(config.hiddenSize())));
        return new Workload(
                layers.size(),
                bytes,
                2.0 * tokens * Mixtral8x7b.queryWidth() * config.hiddenSize(),
                node -> products.multiply(layers.get(node), attended, hidden, true));
    }

    /** The head in fp16. It is itself larger than the cache. */
    Workload head(MatrixProducts products) {
        DeviceMatrix.Dense head = dense(config.vocabularySize());
        DeviceFloats normed = workspace.normed().rows(0, tokens);
        DeviceFloats logits = DeviceFloats.allocate(device.resources().arena(), tokens, config.vocabularySize());
        return new Workload(
                2,
                head.values().byteSize(),
                2.0 * tokens * config.vocabularySize() * config.hiddenSize(),
                node -> products.multiply(head, normed, logits, false));
    }

    /** Norm, gate, softmax and top-k. */
    Workload router(RouterOperation router) {
        DeviceMemory norm = norm();
        DeviceFloats hidden = workspace.hidden().rows(0, tokens);
        CudaRouting choice =
                new CudaRouting(workspace.normed().rows(0, tokens), workspace.expertIds(), workspace.expertWeights());
        RouterOperation.Hooks nobodyWaits = new RouterOperation.Hooks(
                Optional.empty(), Optional.empty(), 0, workspace.sequence(), Optional.empty());
        List<DeviceMatrix.Dense> gates = IntStream.range(0, LAYERS)
                .mapToObj(layer -> dense(config.experts()))
                .toList();
        return new Workload(
                LAYERS,
                gates.getFirst().values().byteSize() + 2 * rowsBytes(),
                2.0 * tokens * config.experts() * config.hiddenSize(),
                node -> router.route(hidden, norm, gates.get(node), choice, device.error(), nobodyWaits));
    }

    /** RMSNorm alone. */
    Workload norm(TokenOperations operations) {
        DeviceMemory norm = norm();
        DeviceFloats hidden = workspace.hidden().rows(0, tokens);
        DeviceFloats normed = workspace.normed().rows(0, tokens);
        return new Workload(LAYERS, 2 * rowsBytes(), 0, node -> operations.norm(hidden, norm, EPSILON, normed));
    }

    /** Rows of the embedding, others each time. */
    Workload embed(TokenOperations operations) {
        EmbeddingTable table = new EmbeddingTable.OnDevice(dense(config.vocabularySize()));
        DeviceFloats hidden = workspace.hidden().rows(0, tokens);
        List<DeviceMemory> ids = IntStream.range(0, LAYERS)
                .mapToObj(node -> device.integers(RandomIds.of(tokens, config.vocabularySize(), node)))
                .toList();
        return new Workload(
                LAYERS,
                (double) tokens * config.hiddenSize() * HALF + rowsBytes(),
                0,
                node -> operations.embed(table, ids.get(node), hidden, device.error()));
    }

    /** The sampler's candidates among a row of logits. */
    Workload candidates(CudaCandidateSearch search) {
        long bytes = (long) config.vocabularySize() * Float.BYTES;
        List<DeviceFloats> rows = IntStream.range(0, LAYERS)
                .mapToObj(node ->
                        new DeviceFloats(device.memory(RandomMemory.Kind.FLOATS, bytes), 1, config.vocabularySize()))
                .toList();
        CandidateRequest request = new CandidateRequest(CandidateRequest.MOST, 1, 1);
        return new Workload(LAYERS, bytes, 0, node -> search.launch(rows.get(node), request, 0));
    }

    private DeviceMemory norm() {
        return device.memory(RandomMemory.Kind.FLOATS, (long) config.hiddenSize() * Float.BYTES);
    }

    private DeviceMatrix.Dense dense(int rows) {
        long bytes = (long) rows * config.hiddenSize() * HALF;
        return new DeviceMatrix.Dense(
                FloatType.F16, rows, config.hiddenSize(), 0, device.memory(RandomMemory.Kind.HALVES, bytes));
    }

    private double rowsBytes() {
        return (double) tokens * config.hiddenSize() * Float.BYTES;
    }

    private static <T> List<T> rotated(long bytes, IntFunction<T> make) {
        return IntStream.range(0, (int) Math.ceilDiv(ROTATED_BYTES, bytes))
                .mapToObj(make)
                .toList();
    }

    /** For a layer's experts. */
    LayerExperts.Tiled layer(TileFormat format) {
        return device.tiles().experts(Mixtral8x7b.expert(format), config.experts());
    }
}
