package dev.gatun.engine.cuda;

import java.util.List;

/** The matrices of one normed input: attention's query, key and value. How they are multiplied follows from their formats. */
sealed interface Projections {
    /** In 4-bit tiles, all of which one launch multiplies. */
    record Tiled(List<DeviceMatrix.Tiled> matrices) implements Projections {
        public Tiled {
            matrices = List.copyOf(matrices);
        }
    }

    /** In other formats, each with launches of its own. */
    record Separate(List<DeviceMatrix> matrices) implements Projections {
        public Separate {
            matrices = List.copyOf(matrices);
        }
    }

    /** Up to three matrices of the same columns. */
    static Projections of(List<DeviceMatrix> matrices) {
        List<DeviceMatrix.Tiled> tiled = matrices.stream()
                .filter(DeviceMatrix.Tiled.class::isInstance)
                .map(DeviceMatrix.Tiled.class::cast)
                .toList();
        return tiled.size() == matrices.size() ? new Tiled(tiled) : new Separate(matrices);
    }
}
