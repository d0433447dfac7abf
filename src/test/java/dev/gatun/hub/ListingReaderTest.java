package dev.gatun.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a hub may say of a model, and what it may not. */
class ListingReaderTest {
    private static final String HASH = "0123456789abcdef0123456789abcdef01234567";
    private static final String FILE = "{'rfilename': 'a', 'size': 1, 'blobId': 'HASH'}";

    @Test
    void filesHaveTheirSizesAndHashes() {
        String large =
                "{'rfilename': 'b/c', 'size': 5, 'lfs': {'size': 8000000000, 'sha256': '" + "ab".repeat(32) + "'}}";
        ModelListing listing = read("{'sha': 'HASH', 'siblings': [" + FILE + "," + large + "]}");
        assertThat(listing.files()).extracting(HubFile::size).containsExactly(1L, 8_000_000_000L);
        assertThat(listing.files()).extracting(file -> file.path().toString()).containsExactly("a", "b/c");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '^', textBlock = """
            ^^                                          | the hub's answer has no commit or no files
            {                                           | the hub's answer is no JSON; check HF_ENDPOINT
            []                                          | the hub's answer has no commit or no files
            {'sha': 'HASH'}                             | the hub's answer has no commit or no files
            {'sha': '../x', 'siblings': []}             | the hub's answer has no commit or no files
            {'sha': 1e400, 'siblings': []}              | the hub's answer has no commit or no files
            SIBLINGS 1                                  | the hub lists a file with an unusable name, ``
            SIBLINGS {'rfilename': '../a'}              | the hub lists a file with an unusable name, `../a`
            SIBLINGS {'rfilename': 'a\\nb'}             | the hub lists a file with an unusable name, `a\\u000ab`
            SIBLINGS {'rfilename': 'a'}                 | the hub lists no usable size of `a`
            SIBLINGS {'rfilename': 'a', 'size': -1}     | the hub lists no usable size of `a`
            SIBLINGS {'rfilename': 'a', 'size': 1e400}  | the hub lists no usable size of `a`
            SIBLINGS {'rfilename': 'a', 'size': 99999999999999999999} | the hub lists no usable size of `a`
            SIBLINGS {'rfilename': 'a', 'size': 1}      | the hub lists no usable hash of `a`
            SIBLINGS {'rfilename': 'a', 'size': 1, 'blobId': 'HASH0'} | the hub lists no usable hash of `a`
            SIBLINGS {'rfilename': 'a', 'lfs': {'size': 1, 'sha256': 'HASH'}} | the hub lists no usable hash of `a`
            SIBLINGS FILE, FILE                         | the hub lists `a` twice
            SIBLINGS FILE, {'rfilename': 'a/b', 'size': 1, 'blobId': 'HASH'} | the hub lists `a/b` below a file
            """)
    void anythingElseIsRefusedInOneLine(String json, String complaint) {
        assertThatThrownBy(() -> read(json.replaceFirst("SIBLINGS (.*)", "{'sha': 'HASH', 'siblings': [$1]}")))
                .isExactlyInstanceOf(HubException.class)
                .hasMessageStartingWith("owner/model: " + complaint)
                .message()
                .doesNotContain("\n");
    }

    @Test
    void moreFilesThanAnyModelHasAreRefused() {
        assertThatThrownBy(() -> read("{'sha': 'HASH', 'siblings': [" + "0,".repeat(100_000) + "0]}"))
                .isExactlyInstanceOf(HubException.class)
                .hasMessage("owner/model: the hub lists 100001 files, more than 100000; nothing was downloaded");
    }

    private static ModelListing read(String json) {
        String whole = json.replace("FILE", FILE).replace("HASH", HASH).replace('\'', '"');
        return new ListingReader(ModelReference.parse("owner/model")).read(whole.getBytes(StandardCharsets.UTF_8));
    }
}
