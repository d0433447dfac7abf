package dev.gatun.offload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import dev.gatun.offload.CacheShape.Sharing;
import dev.gatun.offload.FakeWork.Kind;
import dev.gatun.offload.FetchSetting.Rig;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What is put in, when and behind what; the device does nothing unless it is told to. */
class CopyOrderTest {
    private static final int BYTES = 12;

    private static Rig rig(CacheShape shape, HostMode mode, int prefetch) {
        return rig(shape, mode, prefetch, 2, 1);
    }

    private static Rig rig(CacheShape shape, HostMode mode, int prefetch, int chunkBytes, int seed) {
        FetchSetting setting = new FetchSetting(
                shape,
                PolicyKind.LRU,
                mode,
                2,
                2,
                new PrefetchSettings(prefetch, chunkBytes),
                1,
                false,
                BYTES,
                MissMode.FETCH,
                1);
        Rig rig = setting.rig(new Random(seed));
        rig.device().freeze();
        return rig;
    }

    private static int[] token(Rig rig, int layer, int... experts) {
        int[] slots = new int[experts.length];
        rig.fetcher().fetch(layer, experts, experts.length, slots);
        rig.device()
                .compute(0, layer, IntStream.of(experts).map(e -> layer * 8 + e).toArray(), slots);
        rig.fetcher().computed();
        return slots;
    }

    private static List<FakeWork> since(Rig rig, int copies) {
        return List.copyOf(
                rig.device().copies().subList(copies, rig.device().copies().size()));
    }

    @Test
    void whatALayerNeedsIsUploadedWholeAtOnce() {
        Rig rig = rig(new CacheShape(2, 8, 4, 2, Sharing.PER_LAYER), HostMode.INCLUSIVE, 0);
        token(rig, 0, 3, 5);
        assertThat(rig.device().copies()).hasSize(2).allMatch(copy -> copy.bytes == BYTES && copy.after.isEmpty());
        rig.device().finish();
        token(rig, 0, 3, 5);
        assertThat(rig.device().copies()).hasSize(2);
        FetchCounts counts = rig.fetcher().counts();
        assertThat(counts.hits()).isEqualTo(2);
        assertThat(counts.misses()).isEqualTo(2);
        assertThat(counts.bytesUp()).isEqualTo(2 * BYTES);
    }

    @Test
    void anUploadWaitsForTheLastComputingWithItsSlotAlone() {
        Rig rig = rig(new CacheShape(1, 8, 2, 0, Sharing.PER_LAYER), HostMode.INCLUSIVE, 0);
        token(rig, 0, 0, 1);
        rig.device().finish();
        token(rig, 0, 1);
        int before = rig.device().copies().size();
        int slot = token(rig, 0, 2)[0];
        FakeWork upload = since(rig, before).getFirst();
        assertThat(upload.slot).isEqualTo(slot);
        assertThat(upload.isReady()).as("expert 0 was computed with long ago").isTrue();
    }

    @Test
    void whatIsPutInWhileTheHostComputesHoldsUpNoSlot() {
        Rig rig = rig(new CacheShape(1, 8, 2, 0, Sharing.PER_LAYER), HostMode.INCLUSIVE, 0);
        token(rig, 0, 0, 1);
        rig.device().finish();
        rig.fetcher().fetch(0, new int[] {0, 1}, 2, new int[2]);
        rig.fetcher().putIn();
        long behind = rig.device().computed();
        rig.fetcher().computed();
        int before = rig.device().copies().size();
        token(rig, 0, 2);
        FakeWork upload = since(rig, before).getFirst();
        assertThat(upload.after)
                .extracting(work -> work.ticket)
                .as("what it waits for")
                .isNotEmpty()
                .allMatch(ticket -> ticket < behind);
        assertThat(rig.device().copies()).hasSize(before + 1);
        rig.device().finish();
    }

    @Test
    void aFailureForgetsWhatWasPutIn() {
        Rig rig = rig(new CacheShape(1, 8, 2, 0, Sharing.PER_LAYER), HostMode.INCLUSIVE, 0);
        token(rig, 0, 0, 1);
        rig.device().finish();
        rig.fetcher().fetch(0, new int[] {0, 1}, 2, new int[2]);
        rig.fetcher().putIn();
        rig.fetcher().reset();
        long behind = rig.device().computed();
        token(rig, 0, 0, 1);
        int before = rig.device().copies().size();
        token(rig, 0, 2);
        assertThat(since(rig, before).getFirst().after)
                .extracting(work -> work.ticket)
                .as("it waits for the computing that came last with its slot")
                .isNotEmpty()
                .allMatch(ticket -> ticket > behind);
        rig.device().finish();
    }

    @Test
    void twoChunksOfAGuessAreInFlightAndNoneBehindWhatIsNeeded() {
        Rig rig = rig(new CacheShape(4, 8, 8, 4, Sharing.PER_LAYER), HostMode.INCLUSIVE, 2);
        token(rig, 0, 0, 1);
        rig.fetcher().prefetch(1, new int[] {6, 7}, 2);
        rig.fetcher().pump();
        assertThat(rig.device().copies()).as("what is needed is in flight").hasSize(2);
        rig.device().finish();
        for (int round = 1; round <= 3; round++) {
            rig.fetcher().pump();
            rig.fetcher().pump();
            assertThat(since(rig, 2)).hasSize(2 * round).allMatch(chunk -> chunk.bytes == 2);
            rig.device().finish();
        }
        assertThat(since(rig, 2)).extracting(chunk -> chunk.block).containsOnly(8 + 6);
        rig.fetcher().pump();
        assertThat(since(rig, 8)).extracting(chunk -> chunk.block).containsOnly(8 + 7);
        token(rig, 1, 6, 7);
        assertThat(since(rig, 10)).as("the rest of what was guessed, at once").hasSize(1);
        assertThat(since(rig, 10).getFirst().bytes).isEqualTo(BYTES - 4);
        FetchCounts counts = rig.fetcher().counts();
        assertThat(counts.prefetchesUsed()).isEqualTo(2);
        assertThat(counts.prefetchesFinished()).isEqualTo(1);
        assertThat(counts.bytesWasted()).isZero();
        assertThat(counts.hits()).isEqualTo(1);
        assertThat(counts.waits()).isEqualTo(1);
    }

    @Test
    void aWrongGuessIsGivenUpAndItsSlotServes() {
        Rig rig = rig(new CacheShape(4, 8, 0, 2, Sharing.PER_LAYER), HostMode.INCLUSIVE, 2);
        rig.fetcher().prefetch(0, new int[] {6, 7}, 2);
        rig.fetcher().pump();
        token(rig, 0, 0, 1);
        assertThat(since(rig, 2)).hasSize(2).allMatch(copy -> copy.bytes == BYTES);
        FetchCounts counts = rig.fetcher().counts();
        assertThat(counts.prefetchesBegun()).isEqualTo(1);
        assertThat(counts.prefetchesCancelled()).isEqualTo(1);
        assertThat(counts.bytesWasted()).isEqualTo(4);
        rig.device().finish();
    }

    @Test
    void aGuessForALaterLayerMakesRoomForWhatIsNeeded() {
        Rig rig = rig(new CacheShape(4, 8, 0, 2, Sharing.PER_LAYER), HostMode.INCLUSIVE, 2);
        rig.fetcher().prefetch(2, new int[] {6}, 1);
        rig.fetcher().pump();
        token(rig, 0, 0, 1);
        assertThat(rig.fetcher().counts().prefetchesCancelled()).isEqualTo(1);
        rig.device().finish();
    }

    @Test
    void aWholeGuessThatHadToMakeRoomWasInVain() {
        Rig rig = rig(new CacheShape(4, 8, 0, 2, Sharing.PER_LAYER), HostMode.INCLUSIVE, 2);
        rig.fetcher().prefetch(1, new int[] {6}, 1);
        for (int chunk = 0; chunk < BYTES / 4; chunk++) {
            rig.fetcher().pump();
            rig.device().finish();
        }
        token(rig, 0, 0, 1);
        rig.device().finish();
        token(rig, 1, 6, 7);
        FetchCounts counts = rig.fetcher().counts();
        assertThat(counts.prefetchesFinished()).isEqualTo(1);
        assertThat(counts.prefetchesUsed()).isZero();
        assertThat(counts.bytesWasted()).isEqualTo(BYTES);
        rig.device().finish();
    }

    @Test
    void theOtherTokensOfALayerLeaveGuessesForTheNextAlone() {
        Rig rig = rig(new CacheShape(4, 8, 8, 4, Sharing.PER_LAYER), HostMode.INCLUSIVE, 2);
        token(rig, 0, 0, 1);
        rig.device().finish();
        rig.fetcher().prefetch(1, new int[] {6}, 1);
        rig.fetcher().pump();
        token(rig, 0, 0, 1);
        assertThat(rig.fetcher().counts().prefetchesCancelled()).isZero();
        token(rig, 1, 6, 7);
        assertThat(rig.fetcher().counts().prefetchesUsed()).isEqualTo(1);
        rig.device().finish();
    }

    @Test
    void aGuessThatWasNotBegunIsForgottenOnceItsExpertCameOtherwise() {
        Rig rig = rig(new CacheShape(4, 8, 8, 4, Sharing.PER_LAYER), HostMode.INCLUSIVE, 2);
        token(rig, 0, 0, 1);
        rig.fetcher().prefetch(0, new int[] {6}, 1);
        token(rig, 0, 6);
        token(rig, 0, 6);
        assertThat(rig.fetcher().counts().prefetchesUsed()).isZero();
        rig.device().finish();
    }

    @Test
    void theNextLayersGuessGoesFirst() {
        Rig rig = rig(new CacheShape(4, 8, 0, 2, Sharing.PER_LAYER), HostMode.INCLUSIVE, 2);
        rig.fetcher().prefetch(2, new int[] {6}, 1);
        rig.fetcher().prefetch(1, new int[] {6}, 1);
        rig.fetcher().pump();
        assertThat(rig.device().copies()).extracting(chunk -> chunk.block).containsOnly(8 + 6);
    }

    @Test
    void theNextPartOfAPromptIsUploadedWhileThisOneIsComputed() {
        Rig rig = rig(new CacheShape(1, 8, 0, 2, Sharing.PER_LAYER), HostMode.INCLUSIVE, 0);
        prompt(rig, 0);
        int before = rig.device().copies().size();
        prompt(rig, 0);
        List<FakeWork> lastOfFirst = rig.device().computing().stream()
                .filter(work -> work.slots.length > 0)
                .toList();
        FakeWork upload = since(rig, before).getFirst();
        assertThat(upload.after).as("waits for the computing with its own slot").hasSize(1);
        assertThat(upload.after.getFirst().ticket).isLessThan(lastOfFirst.get(7).ticket);
        rig.device().finish();
    }

    @Test
    void aMissSwapsBothWaysAtOnce() {
        Rig rig = rig(new CacheShape(1, 8, 4, 2, Sharing.PER_LAYER), HostMode.EXCLUSIVE, 0);
        token(rig, 0, 6, 7);
        List<FakeWork> copies = rig.device().copies();
        assertThat(copies)
                .extracting(copy -> copy.kind)
                .containsExactly(Kind.DOWNLOAD, Kind.UPLOAD, Kind.DOWNLOAD, Kind.UPLOAD);
        assertThat(copies).as("nobody waits for the other").allMatch(FakeWork::isReady);
        assertThat(rig.fetcher().counts().bytesDown()).isEqualTo(2 * BYTES);
        rig.device().finish();
    }

    @Test
    void aVictimThatIsAskedForAgainWaitsForItsDownload() {
        Rig rig = rig(new CacheShape(1, 8, 2, 0, Sharing.PER_LAYER), HostMode.EXCLUSIVE, 0);
        token(rig, 0, 6);
        FakeWork saved = rig.device().copies().getFirst();
        int victim = saved.slot;
        token(rig, 0, victim);
        FakeWork again = rig.device().copies().getLast();
        assertThat(again.block).isEqualTo(saved.block);
        assertThat(again.after).contains(saved);
        rig.device().finish();
    }

    @Test
    void aRightGuessIsSwappedWithoutASpareSlotOrASecondUpload() {
        Rig rig = rig(new CacheShape(2, 8, 4, 2, Sharing.PER_LAYER), HostMode.EXCLUSIVE, 1);
        rig.fetcher().prefetch(0, new int[] {7}, 1);
        for (int chunk = 0; chunk < BYTES / 4; chunk++) {
            rig.fetcher().pump();
            rig.device().finish();
        }
        int before = rig.device().copies().size();
        token(rig, 0, 7);
        assertThat(since(rig, before)).extracting(copy -> copy.kind).containsExactly(Kind.DOWNLOAD);
        rig.device().finish();
        token(rig, 0, 7);
        assertThat(rig.fetcher().counts().hits()).isEqualTo(2);
    }

    @Test
    void theStreamRunsAheadAsFarAsThereAreSlotsIntoTheNextLayerToo() {
        Rig rig = rig(new CacheShape(2, 8, 0, 3, Sharing.PER_LAYER), HostMode.INCLUSIVE, 0);
        int[] all = IntStream.range(0, 8).toArray();
        ExpertStream stream = rig.fetcher().stream(true);
        for (int layer = 0; layer < 2; layer++) {
            assertThat(stream.begin(layer, all, 8, new int[8], new int[8])).isZero();
            for (int expert = 0; expert < 8; expert++) {
                int number = 8 * layer + expert;
                assertThat(stream.next()).isTrue();
                assertThat(stream.expert()).isEqualTo(expert);
                assertThat(rig.device().copies()).as("uploads put in").hasSize(Math.min(16, number + 3));
                rig.device().compute(0, layer, new int[] {number}, new int[] {stream.slot()});
                stream.done(stream.slot());
            }
            assertThat(stream.next()).isFalse();
        }
        stream.close();
        assertThat(rig.device().copies().subList(0, 3)).allMatch(FakeWork::isReady);
        assertThat(rig.device().copies().subList(3, 16)).allMatch(copy -> copy.after.size() == 1);
        FetchCounts counts = rig.fetcher().counts();
        assertThat(counts.streamed()).isEqualTo(16);
        assertThat(counts.roads().fetched()).as("over the link").isEqualTo(16);
        assertThat(counts.misses()).as("no single token asked").isZero();
        rig.device().finish();
    }

    @Test
    void aPromptWarmsAColdCacheAndLeavesAWarmOneAsItIs() {
        Rig rig = rig(new CacheShape(1, 8, 4, 2, Sharing.PER_LAYER), HostMode.INCLUSIVE, 0);
        prompt(rig, 0);
        rig.device().finish();
        token(rig, 0, 0, 1);
        token(rig, 0, 2, 3);
        assertThat(rig.fetcher().counts().misses()).as("the first four stayed").isZero();
        token(rig, 0, 6, 7);
        rig.device().finish();
        prompt(rig, 4);
        token(rig, 0, 6, 7);
        token(rig, 0, 2, 3);
        assertThat(rig.fetcher().counts().misses()).isEqualTo(2);
        rig.device().finish();
    }

    @Test
    void whatAGivenUpPromptUploadedIsComputedWithOnceItIsThere() {
        Rig rig = rig(new CacheShape(1, 8, 4, 2, Sharing.PER_LAYER), HostMode.INCLUSIVE, 0);
        int[] all = IntStream.range(0, 8).toArray();
        ExpertStream givenUp = rig.fetcher().stream(true);
        assertThat(givenUp.begin(0, all, 8, new int[8], new int[8])).isZero();
        givenUp.close();
        ExpertStream stream = rig.fetcher().stream(true);
        int[] experts = new int[8];
        int[] slots = new int[8];
        assertThat(stream.begin(0, all, 8, experts, slots)).isEqualTo(4);
        rig.device().compute(0, 0, Arrays.copyOf(experts, 4), Arrays.copyOf(slots, 4));
        FakeWork computing = rig.device().computing().getLast();
        assertThat(rig.device().copies().subList(0, 4)).allMatch(computing::waitsFor);
        rig.device().finish();
    }

    private static void prompt(Rig rig, int expectedResident) {
        int[] all = IntStream.range(0, 8).toArray();
        ExpertStream stream = rig.fetcher().stream(false);
        assertThat(stream.begin(0, all, 8, new int[8], new int[8])).isEqualTo(expectedResident);
        while (stream.next()) {
            rig.device().compute(0, 0, new int[] {stream.expert()}, new int[] {stream.slot()});
            stream.done(stream.slot());
        }
        stream.close();
    }

    @Test
    void theHostWaitsOnlyWhenItRunsAheadOfTheDevice() {
        Rig rig = rig(new CacheShape(2, 8, 0, 2, Sharing.PER_LAYER), HostMode.INCLUSIVE, 0);
        token(rig, 0, 0, 1);
        assertThatThrownBy(() -> token(rig, 1, 0, 1)).hasMessageContaining("the host waits");
    }

    @Test
    void misuseIsRefused() {
        Rig rig = rig(new CacheShape(1, 8, 2, 1, Sharing.PER_LAYER), HostMode.INCLUSIVE, 1);
        ExpertFetcher fetcher = rig.fetcher();
        int[] slots = new int[8];
        fetcher.fetch(0, new int[] {0, 1, 2}, 3, slots);
        rig.device().finish();
        assertThatThrownBy(() -> fetcher.fetch(0, new int[] {3}, 1, slots))
                .hasMessageContaining("every slot is in use");
        fetcher.reset();
        ExpertStream stream = fetcher.stream(true);
        assertThatThrownBy(() -> fetcher.fetch(0, new int[] {3}, 1, slots)).hasMessageContaining("not closed");
        assertThatThrownBy(() -> fetcher.stream(true)).hasMessageContaining("not closed");
        assertThatThrownBy(() -> stream.begin(0, new int[] {3}, 1, slots, slots))
                .hasMessageContaining("instead of all");
        assertThatThrownBy(stream::next).hasMessageContaining("no layer");
        stream.close();
        assertThatThrownBy(stream::close).hasMessageContaining("closed");
        assertThatThrownBy(() -> new PrefetchSettings(-1, 1)).hasMessageContaining("-1 experts");
        assertThatThrownBy(() -> ExclusiveLayout.of(new CacheShape(1, 8, 2, 1, Sharing.POOL), new LruPolicy(8), 0, 2))
                .hasMessageContaining("spare slot");
        assertThatThrownBy(() -> exclusive(new CacheShape(2, 8, 6, 2, Sharing.POOL), Sharing.PER_LAYER))
                .hasMessageContaining("the layout is for");
    }

    /** All that is in flight is a guess that was given up: its arrival frees nothing. */
    @Test
    void tooMuchIsRefusedWhateverIsInFlight() {
        for (int seed = 0; seed < 50; seed++) {
            Rig rig = rig(new CacheShape(1, 8, 2, 1, Sharing.PER_LAYER), HostMode.INCLUSIVE, 1, BYTES, seed);
            int[] slots = new int[2];
            rig.fetcher().fetch(0, new int[] {0, 1}, 2, slots);
            rig.device().finish();
            rig.fetcher().prefetch(0, new int[] {5}, 1);
            rig.fetcher().pump();
            assertThat(rig.device().copies().getLast().bytes)
                    .as("of the whole guess")
                    .isEqualTo(BYTES);
            rig.device().thaw();
            assertTimeoutPreemptively(
                    Duration.ofSeconds(20),
                    () -> assertThatThrownBy(() -> rig.fetcher().fetch(0, new int[] {2, 3}, 2, slots))
                            .hasMessageContaining("every slot is in use"));
        }
    }

    private static ExpertFetcher exclusive(CacheShape shape, Sharing other) {
        CacheShape of = new CacheShape(shape.layers(), shape.experts(), shape.slots(), shape.staging(), other);
        ExpertCache cache = new ExpertCache(shape, new LruPolicy(shape.allExperts()), 2);
        ExclusiveLayout layout = ExclusiveLayout.of(of, new LruPolicy(of.allExperts()), 1, 2);
        FakeDevice device = new FakeDevice(new Random(1), BYTES, 1, layout.slots(), layout.blocks());
        return ExpertFetcher.exclusive(cache, device, BYTES, PrefetchSettings.of(0), layout, RoadSplit.fetching());
    }

    @Test
    void aLayoutThatThePolicyDoesNotWantIsRefused() {
        CacheShape shape = new CacheShape(1, 8, 2, 2, Sharing.POOL);
        FixedPlacement placement = FixedPlacement.of(shape, new long[] {0, 0, 0, 0, 0, 0, 1, 1});
        assertThat(ExclusiveLayout.of(shape, placement, 1, 2).slot(0, 7)).isEqualTo(1);
        ExclusiveLayout layout = ExclusiveLayout.of(shape, new LruPolicy(8), 1, 2);
        FakeDevice device = new FakeDevice(new Random(1), BYTES, 1, layout.slots(), layout.blocks());
        assertThatThrownBy(() -> ExpertFetcher.exclusive(
                        new ExpertCache(shape, placement, 2),
                        device,
                        BYTES,
                        PrefetchSettings.of(0),
                        layout,
                        RoadSplit.fetching()))
                .hasMessageContaining("what the layout says");
    }
}
