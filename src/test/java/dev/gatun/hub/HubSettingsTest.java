package dev.gatun.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class HubSettingsTest {
    @TempDir
    private Path home;

    private HubSettings with(String... pairs) {
        Map<String, String> environment = new java.util.HashMap<>();
        for (int i = 0; i < pairs.length; i += 2) {
            environment.put(pairs[i], pairs[i + 1]);
        }
        return HubSettings.of(environment, home);
    }

    @Test
    void withoutVariablesItIsThePublicHubAndTheUsualFolder() {
        HubSettings settings = with();
        assertThat(settings.endpoint()).hasToString("https://huggingface.co");
        assertThat(settings.cache()).isEqualTo(home.resolve(".cache/huggingface/hub"));
        assertThat(settings.token()).isEmpty();
        assertThat(settings.offline()).isFalse();
    }

    @Test
    void theMoreSpecialVariableDecidesAboutTheCache() {
        assertThat(with("XDG_CACHE_HOME", "/x").cache()).hasToString("/x/huggingface/hub");
        assertThat(with("XDG_CACHE_HOME", "/x", "HF_HOME", "/h").cache()).hasToString("/h/hub");
        assertThat(with("HF_HOME", "/h", "HF_HUB_CACHE", "~/c").cache()).isEqualTo(home.resolve("c"));
    }

    @Test
    void aTokenComesFromTheVariableOrElseFromTheFile() throws IOException {
        Path file = home.resolve(".cache/huggingface/token");
        Files.createDirectories(file.getParent());
        Files.writeString(file, "hf_file\n");
        assertThat(with().token().orElseThrow().header()).isEqualTo("Bearer hf_file");
        assertThat(with("HF_TOKEN", " hf_given ").token().orElseThrow().header())
                .isEqualTo("Bearer hf_given");
        Path other = Files.writeString(home.resolve("other"), "hf_other");
        assertThat(with("HF_TOKEN_PATH", other.toString()).token().orElseThrow().header())
                .isEqualTo("Bearer hf_other");
    }

    @Test
    void anUnusableTokenIsNotShown() {
        assertThatThrownBy(() -> with("HF_TOKEN", "hf_se\ncret"))
                .isInstanceOf(HubException.class)
                .hasMessageContaining("HF_TOKEN")
                .satisfies(failure -> assertThat(failure.getMessage()).doesNotContain("cret"));
    }

    @ParameterizedTest
    @CsvSource({"1,true", "yes,true", "TRUE,true", "on,true", "0,false", "no,false", "'',false"})
    void offlineIsWhatOtherToolsTakeForIt(String value, boolean offline) {
        assertThat(with("HF_HUB_OFFLINE", value).offline()).isEqualTo(offline);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"huggingface.co", "file:///x", "http://user:secret@host", "https://", "http://a b", "http://h?q"
            })
    void anUnusableEndpointIsRefused(String endpoint) {
        assertThatThrownBy(() -> with("HF_ENDPOINT", endpoint))
                .isInstanceOf(HubException.class)
                .hasMessageContaining("HF_ENDPOINT")
                .satisfies(failure -> assertThat(failure.getMessage()).doesNotContain("secret"));
    }
}
