package dev.gatun.checkpoint;

import dev.gatun.quant.WeightMatrix;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What a model folder holds, part by part.
 *
 * @param parts those that it holds tensors of, from the embedding to the head
 */
public record Inventory(List<PartContents> parts) {
    /** A layer's number, or an expert's. */
    private static final Pattern NUMBER = Pattern.compile("(?<=\\.)\\d+(?=\\.)");

    public Inventory {
        parts = List.copyOf(parts);
    }

    /** Counts what an open checkpoint holds. */
    public static Inventory of(Checkpoint checkpoint) {
        Map<ModelPart, List<TensorGroup>> groups = groups(checkpoint.tensors());
        return new Inventory(Arrays.stream(ModelPart.values())
                .filter(groups::containsKey)
                .map(part -> contents(
                        part,
                        groups.get(part),
                        matrices(part, checkpoint.weights()).toList()))
                .toList());
    }

    /** Bytes of all tensors. */
    public long bytes() {
        return parts.stream().mapToLong(PartContents::bytes).sum();
    }

    /** Tensors of all parts. */
    public int tensors() {
        return parts.stream().mapToInt(PartContents::tensors).sum();
    }

    /** Weights of all parts. */
    public long weights() {
        return parts.stream().mapToLong(PartContents::weights).sum();
    }

    /** Bits that a weight takes, all parts together. */
    public double bitsPerWeight() {
        return 8.0 * bytes() / weights();
    }

    private static PartContents contents(ModelPart part, List<TensorGroup> groups, List<WeightMatrix> matrices) {
        List<String> formats =
                matrices.stream().map(Description::format).distinct().sorted().toList();
        long weights = matrices.stream()
                .mapToLong(matrix -> (long) matrix.rows() * matrix.columns())
                .sum();
        return new PartContents(part, groups, formats, weights);
    }

    /** What makes two tensors of one group. */
    private record Kind(String name, TensorType type, List<Long> shape) {
        static Kind of(Map.Entry<String, Tensor> named) {
            return new Kind(
                    NUMBER.matcher(named.getKey()).replaceAll("*"),
                    named.getValue().type(),
                    named.getValue().shape());
        }
    }

    private static Map<ModelPart, List<TensorGroup>> groups(Map<String, Tensor> tensors) {
        Map<Kind, List<Tensor>> kinds = tensors.entrySet().stream()
                .collect(Collectors.groupingBy(Kind::of, Collectors.mapping(Map.Entry::getValue, Collectors.toList())));
        Map<ModelPart, List<TensorGroup>> groups = new EnumMap<>(ModelPart.class);
        kinds.forEach((kind, alike) -> groups.computeIfAbsent(ModelPart.of(kind.name()), part -> new ArrayList<>())
                .add(group(kind, alike)));
        groups.values()
                .forEach(some -> some.sort(Comparator.comparing(TensorGroup::name)
                        .thenComparing(TensorGroup::type)
                        .thenComparing(group -> group.shape().toString())));
        return groups;
    }

    private static TensorGroup group(Kind kind, List<Tensor> alike) {
        long bytes =
                alike.stream().mapToLong(tensor -> tensor.data().byteSize()).sum();
        return new TensorGroup(kind.name(), kind.type(), kind.shape(), alike.size(), bytes);
    }

    private static Stream<WeightMatrix> matrices(ModelPart part, ModelWeights weights) {
        return switch (part) {
            case EMBEDDING -> Stream.of(weights.embeddings());
            case ATTENTION ->
                layers(weights, layer -> Stream.of(layer.query(), layer.key(), layer.value(), layer.output()));
            case ROUTER -> layers(weights, layer -> Stream.of(layer.router()));
            case NORMS ->
                Stream.concat(
                        layers(weights, layer -> Stream.of(layer.attentionNorm(), layer.expertNorm())),
                        Stream.of(weights.finalNorm()));
            case EXPERTS ->
                layers(
                        weights,
                        layer -> layer.experts().stream()
                                .flatMap(expert -> Stream.of(expert.gate(), expert.up(), expert.down())));
            case HEAD -> Stream.of(weights.head());
        };
    }

    private static Stream<WeightMatrix> layers(
            ModelWeights weights, Function<LayerWeights, Stream<WeightMatrix>> matrices) {
        return weights.layers().stream().flatMap(matrices);
    }
}
