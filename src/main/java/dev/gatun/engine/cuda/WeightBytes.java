package dev.gatun.engine.cuda;

import dev.gatun.checkpoint.LayerWeights;
import dev.gatun.checkpoint.ModelWeights;
import dev.gatun.quant.WeightMatrix;
import java.util.stream.Stream;

/** How much memory a model's weights take, near enough: tiles differ from the checkpoint by their padding. */
final class WeightBytes {
    private WeightBytes() {}

    static long of(ModelWeights weights) {
        long head =
                weights.head().equals(weights.embeddings()) ? 0 : weights.head().bytes();
        return weights.embeddings().bytes()
                + head
                + weights.layers().stream()
                        .flatMap(WeightBytes::matrices)
                        .mapToLong(WeightMatrix::bytes)
                        .sum();
    }

    private static Stream<WeightMatrix> matrices(LayerWeights layer) {
        return Stream.concat(
                Stream.of(layer.query(), layer.key(), layer.value(), layer.output(), layer.router()),
                layer.experts().stream().flatMap(expert -> Stream.of(expert.gate(), expert.up(), expert.down())));
    }
}
