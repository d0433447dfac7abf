package dev.gatun.checkpoint;

import java.util.List;
import java.util.Map;

/**
 * What the header of a safetensors file says about its data, checked against the size of the data.
 *
 * @param metadata the strings of {@code __metadata__}
 * @param entries the tensors, in the order of their data, which they cover without gap or overlap
 */
record SafetensorsHeader(Map<String, String> metadata, List<Entry> entries) {
    SafetensorsHeader {
        metadata = Map.copyOf(metadata);
        entries = List.copyOf(entries);
    }

    /**
     * A tensor's entry.
     *
     * @param begin first byte, counted from the end of the header
     * @param end byte after the last one
     */
    record Entry(String name, TensorType type, List<Long> shape, long begin, long end) {
        Entry {
            shape = List.copyOf(shape);
        }
    }
}
