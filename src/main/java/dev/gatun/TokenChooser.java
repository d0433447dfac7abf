package dev.gatun;

import dev.gatun.engine.Backend;
import dev.gatun.engine.CandidateRequest;
import dev.gatun.engine.CandidateSearch;
import dev.gatun.engine.Logits;
import dev.gatun.text.Candidates;
import dev.gatun.text.Sampler;
import dev.gatun.text.TokenWindow;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * Chooses tokens for one sequence: from the likeliest candidates where the backend can search for them and they suffice,
 * from all logits otherwise. Both ways choose the same token.
 */
final class TokenChooser {
    private static final int WANTED = 128;

    private final Backend backend;
    private final Sampler sampler;
    private final float[] logits;
    private final Optional<CandidateSearch> search;
    private final CandidateRequest request;
    private final Candidates candidates;
    private final MemorySegment found;

    TokenChooser(Backend backend, Sampler sampler, int vocabulary) {
        this.backend = backend;
        this.sampler = sampler;
        this.logits = new float[vocabulary];
        int window =
                sampler.settings().penalizesRepetition() ? sampler.settings().repetitionWindow() : 0;
        this.search = backend.candidateSearch().filter(offered -> window <= offered.mostRecent());
        double penalty =
                sampler.settings().penalizesRepetition() ? sampler.settings().repetitionPenalty() : 1;
        this.request = new CandidateRequest(WANTED, sampler.settings().inverseTemperature(), penalty);
        this.candidates = new Candidates(WANTED, vocabulary);
        this.found = Arena.ofAuto().allocate(candidates.bytes(), Long.BYTES);
    }

    /** Waits for the logits and chooses the next token. */
    int choose(Logits computed, TokenWindow recent) {
        int id = search.isPresent() ? fromCandidates(search.get(), computed, recent) : Sampler.UNDECIDED;
        if (id != Sampler.UNDECIDED) {
            return id;
        }
        backend.await(computed, logits);
        return sampler.next(logits, recent);
    }

    private int fromCandidates(CandidateSearch candidateSearch, Logits computed, TokenWindow recent) {
        candidateSearch.await(computed, request, penalized(recent), found);
        candidates.read(found);
        return sampler.next(candidates);
    }

    private int[] penalized(TokenWindow recent) {
        int[] ids = new int[sampler.settings().penalizesRepetition() ? recent.size() : 0];
        for (int age = 0; age < ids.length; age++) {
            ids[age] = recent.recent(age);
        }
        return ids;
    }

    /** Waits for logits that nobody needs, so that what went wrong on their way is known. */
    int pass(Logits computed) {
        backend.await(computed, logits);
        return Sampler.UNDECIDED;
    }
}
