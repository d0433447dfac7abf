package dev.gatun.quant;

import java.lang.foreign.MemorySegment;

/** Tiles every kind of matrix in Java: the bytes that other tilers are compared with. */
public final class JavaTiler implements MatrixTiler {
    /** Makes a tiler; it holds nothing. */
    public JavaTiler() {}

    @Override
    public void tile(QuantizedMatrix source, TileShape shape, MemorySegment target) {
        switch (source) {
            case HqqMatrix hqq -> HqqTiler.tile(hqq, shape, target);
            case NarrowMatrix narrow -> NarrowTiler.tile(narrow, shape, target);
        }
    }
}
