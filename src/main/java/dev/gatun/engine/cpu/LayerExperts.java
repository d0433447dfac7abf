package dev.gatun.engine.cpu;

import dev.gatun.cpu.CpuExperts;
import dev.gatun.cpu.TiledExpert;
import java.util.List;

/** The experts of a layer as the CPU library sees them. */
sealed interface LayerExperts {
    /** Three matrices each. */
    record Matrices(CpuExperts experts) implements LayerExperts {}

    /** A block of tiles each, in expert order. */
    record Tiles(List<TiledExpert> experts) implements LayerExperts {
        public Tiles {
            experts = List.copyOf(experts);
        }
    }
}
