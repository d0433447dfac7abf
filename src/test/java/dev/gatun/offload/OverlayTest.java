package dev.gatun.offload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class OverlayTest {
    /** Bytes from one place to another. */
    private record Piece(long start, long end) {
        boolean overlaps(Piece other) {
            return start < other.end && other.start < end;
        }
    }

    /** A branch, and the pieces that may be in use together with its own. */
    private static final class Branch {
        final Overlay overlay;
        final List<Piece> pieces;

        Branch(Overlay overlay, List<Piece> before) {
            this.overlay = overlay;
            this.pieces = new ArrayList<>(before);
        }
    }

    @Test
    void piecesInUseTogetherNeverOverlapAndAllAreAligned() {
        for (int seed = 0; seed < 200; seed++) {
            Random random = new Random(seed);
            Overlay whole = new Overlay();
            List<Branch> branches = new ArrayList<>(List.of(new Branch(whole, List.of())));
            long furthest = 0;
            for (int step = 0; step < 100; step++) {
                Branch branch = branches.get(random.nextInt(branches.size()));
                if (random.nextInt(4) == 0) {
                    branches.add(new Branch(branch.overlay.branch(), branch.pieces));
                    continue;
                }
                long bytes = random.nextLong(1, 1L << random.nextInt(1, 40));
                long start = branch.overlay.place(bytes);
                Piece piece = new Piece(start, start + bytes);
                assertThat(start % 256).as("seed %d", seed).isZero();
                assertThat(branch.pieces).as("seed %d", seed).noneMatch(piece::overlaps);
                branch.pieces.add(piece);
                furthest = Math.max(furthest, piece.end);
            }
            assertThat(whole.bytes()).as("seed %d", seed).isBetween(furthest, furthest + 255);
        }
    }

    @Test
    void branchesBeginAtTheSamePlace() {
        Overlay whole = new Overlay();
        whole.place(300);
        Overlay first = whole.branch();
        Overlay second = whole.branch();
        assertThat(first.place(1000)).isEqualTo(512);
        assertThat(second.place(10)).isEqualTo(512);
        assertThat(second.place(10)).isEqualTo(768);
        assertThat(whole.place(10)).isEqualTo(512);
        assertThat(whole.bytes()).isEqualTo(512 + 1024);
    }

    @Test
    void whatTakesNothingIsNoPiece() {
        assertThatThrownBy(() -> new Overlay().place(0)).hasMessage("a piece of 0 bytes");
        assertThatThrownBy(() -> new Overlay().place(Long.MAX_VALUE)).isInstanceOf(ArithmeticException.class);
    }
}
