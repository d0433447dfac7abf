package dev.gatun.cpu;

import dev.gatun.bindings.cpu.gatun_kv;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * The keys and values of one layer of one sequence, [kvHeads, capacity, headSize] each. Which positions are filled is the
 * caller's to know: dropping the last ones needs no call, later ones overwrite them.
 *
 * <p>The memory belongs to the arena given, and using this after that was closed throws {@link IllegalStateException}.
 */
public final class KeyValues {
    private static final long ALIGNMENT = 64;

    private final MemorySegment struct;
    private final CpuFloatType type;
    private final int kvHeads;
    private final int headSize;
    private final int capacity;

    private KeyValues(MemorySegment struct, CpuFloatType type, int kvHeads, int headSize, int capacity) {
        this.struct = struct;
        this.type = type;
        this.kvHeads = kvHeads;
        this.headSize = headSize;
        this.capacity = capacity;
    }

    /**
     * Allocates room for a number of positions.
     *
     * @param type {@link CpuFloatType#F16} or {@link CpuFloatType#F32}
     * @param kvHeads heads of keys and values
     * @param headSize values of a head, even
     * @param capacity positions
     * @throws IllegalArgumentException if a number is not positive, the head size odd, or the type another
     */
    public static KeyValues allocate(Arena arena, CpuFloatType type, int kvHeads, int headSize, int capacity) {
        if (type == CpuFloatType.BF16) {
            throw new IllegalArgumentException("keys and values are stored in F16 or F32: " + type);
        }
        Arguments.requirePositive("kvHeads", kvHeads);
        Arguments.requirePositive("headSize", headSize);
        // What is stored was turned in pairs.
        Arguments.requireMultiple("headSize", headSize, "the size of a pair", 2);
        Arguments.requirePositive("capacity", capacity);
        long bytes = Math.multiplyExact(Math.multiplyExact((long) kvHeads * capacity, headSize), type.bytes());
        MemorySegment struct = gatun_kv.allocate(arena);
        gatun_kv.keys(struct, arena.allocate(bytes, ALIGNMENT));
        gatun_kv.values(struct, arena.allocate(bytes, ALIGNMENT));
        gatun_kv.capacity(struct, capacity);
        gatun_kv.kv_heads(struct, kvHeads);
        gatun_kv.head_size(struct, headSize);
        gatun_kv.dtype(struct, type.code());
        return new KeyValues(struct, type, kvHeads, headSize, capacity);
    }

    /** The type that keys and values are stored in. */
    public CpuFloatType type() {
        return type;
    }

    /** Heads of keys and values. */
    public int kvHeads() {
        return kvHeads;
    }

    /** Values of a head. */
    public int headSize() {
        return headSize;
    }

    /** Positions there is room for. */
    public int capacity() {
        return capacity;
    }

    /** Bytes of keys and values together. */
    public long bytes() {
        return 2L * kvHeads * headSize * capacity * type.bytes();
    }

    /** Values of a position: those of all heads. */
    int width() {
        return kvHeads * headSize;
    }

    MemorySegment struct() {
        return struct;
    }

    /** Throws unless the memory can be used and positions [position, position + tokens) lie in it. */
    void requireRoom(int position, int tokens) {
        Liveness.require("the keys and values", struct);
        Arguments.requireNotNegative("position", position);
        Arguments.requireAtMost("position + tokens", (long) position + tokens, "the capacity", capacity);
    }
}
