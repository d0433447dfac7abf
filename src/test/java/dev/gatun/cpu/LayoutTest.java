package dev.gatun.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatun.bindings.cpu.CpuLibrary;
import dev.gatun.bindings.cpu.gatun_expert;
import dev.gatun.bindings.cpu.gatun_field;
import dev.gatun.bindings.cpu.gatun_kv;
import dev.gatun.bindings.cpu.gatun_matrix;
import dev.gatun.bindings.cpu.gatun_product;
import dev.gatun.bindings.cpu.gatun_tiled_expert;
import dev.gatun.bindings.cpu.gatun_tiled_item;
import java.lang.foreign.GroupLayout;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.PaddingLayout;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What Java believes of C's structs is what C says of them. */
class LayoutTest {
    private record Place(long offset, long size) {}

    private static final List<GroupLayout> STRUCTS = List.of(
            gatun_matrix.layout(),
            gatun_product.layout(),
            gatun_expert.layout(),
            gatun_tiled_expert.layout(),
            gatun_tiled_item.layout(),
            gatun_kv.layout(),
            gatun_field.layout());

    @BeforeAll
    static void load() {
        LinkedLibrary.require();
    }

    @Test
    void everyFieldLiesWhereCPutIt() {
        assertThat(inC()).isEqualTo(inJava()).isNotEmpty();
    }

    private static Map<String, Place> inJava() {
        Map<String, Place> places = new TreeMap<>();
        for (GroupLayout struct : STRUCTS) {
            String name = struct.name().orElseThrow();
            places.put(name, new Place(0, struct.byteSize()));
            for (MemoryLayout field : struct.memberLayouts()) {
                if (!(field instanceof PaddingLayout)) {
                    String fieldName = field.name().orElseThrow();
                    long offset = struct.byteOffset(MemoryLayout.PathElement.groupElement(fieldName));
                    places.put(name + "." + fieldName, new Place(offset, field.byteSize()));
                }
            }
        }
        return places;
    }

    private static Map<String, Place> inC() {
        Map<String, Place> places = new TreeMap<>();
        MemorySegment fields = CpuLibrary.gatun_cpu_layout().reinterpret(Long.MAX_VALUE);
        for (int i = 0; gatun_field.size(gatun_field.asSlice(fields, i)) != 0; i++) {
            MemorySegment field = gatun_field.asSlice(fields, i);
            places.put(
                    gatun_field.name(field).getString(0),
                    new Place(gatun_field.offset(field), gatun_field.size(field)));
        }
        return places;
    }

    @Test
    void theAbiIsTheOneOfTheBindings() {
        assertThat(CpuLibrary.gatun_cpu_abi()).isEqualTo(CpuLibrary.GATUN_CPU_ABI());
    }
}
