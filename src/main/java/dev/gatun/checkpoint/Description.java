package dev.gatun.checkpoint;

import dev.gatun.quant.DenseMatrix;
import dev.gatun.quant.HqqMatrix;
import dev.gatun.quant.NarrowMatrix;
import dev.gatun.quant.QuantizedMatrix;
import dev.gatun.quant.TileFormat;
import dev.gatun.quant.TiledMatrix;
import dev.gatun.quant.WeightMatrix;
import java.util.Locale;

/** What a checkpoint is, in one line for people. */
final class Description {
    private Description() {}

    /** Says layout, number formats and size; the first layer stands for all. */
    static String of(ModelWeights weights, boolean isGatun, long bytes) {
        LayerWeights layer = weights.layers().getFirst();
        WeightMatrix attention = layer.query();
        WeightMatrix expert = layer.experts().getFirst().gate();
        return "Mixtral, " + layout(isGatun, attention, expert) + " checkpoint, attention " + width(attention)
                + ", experts " + width(expert) + ", " + size(bytes);
    }

    private static String layout(boolean isGatun, WeightMatrix attention, WeightMatrix expert) {
        if (isGatun) {
            return "Gatun";
        }
        boolean quantized = attention instanceof HqqMatrix || expert instanceof HqqMatrix;
        return quantized ? "HQQ offloading" : "Hugging Face";
    }

    private static String width(WeightMatrix matrix) {
        return switch (matrix) {
            case DenseMatrix dense -> dense.type().name().toLowerCase(Locale.ROOT);
            case QuantizedMatrix quantized -> quantized.scheme().bits() + "-bit";
            case TiledMatrix tiled -> (tiled.shape().format() == TileFormat.Q4 ? 4 : 2) + "-bit";
        };
    }

    /** How one matrix is stored, with its group sizes. */
    static String format(WeightMatrix matrix) {
        return switch (matrix) {
            case DenseMatrix dense -> width(dense);
            case HqqMatrix hqq ->
                "%s, groups of %d, scales of %d"
                        .formatted(
                                width(hqq),
                                hqq.scheme().groupSize(),
                                hqq.scheme().scaleGroup());
            case NarrowMatrix narrow ->
                "%s, groups of %d, 4-bit scales"
                        .formatted(width(narrow), narrow.scheme().groupSize());
            case TiledMatrix tiled ->
                "%s tiles, groups of %d, %d-bit scales"
                        .formatted(
                                width(tiled),
                                tiled.shape().format().groupSize(),
                                tiled.shape().format() == TileFormat.Q2N ? 4 : 8);
        };
    }

    private static String size(long bytes) {
        return bytes < 100_000_000
                ? String.format(Locale.ROOT, "%.1f MB", bytes / 1e6)
                : String.format(Locale.ROOT, "%.2f GB", bytes / 1e9);
    }
}
