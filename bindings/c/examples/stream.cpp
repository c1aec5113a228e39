// Shows a model's answer from standard input as far as it is judged: safe text out, at once.

#include <portcullis.h>

#include <array>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>

namespace {

template <auto free>
struct Free {
    template <typename T>
    void operator()(T *object) const {
        free(object);
    }
};

using Error = std::unique_ptr<portcullis_error, Free<portcullis_error_free>>;
using Options = std::unique_ptr<portcullis_options, Free<portcullis_options_free>>;
using Guard = std::unique_ptr<portcullis_guard, Free<portcullis_guard_free>>;
using Stream = std::unique_ptr<portcullis_stream, Free<portcullis_stream_free>>;

// Throws what a failed call says.
void expect(portcullis_status status, portcullis_error *raw) {
    const Error error(raw);
    if (status != PORTCULLIS_STATUS_OK) {
        throw std::runtime_error(portcullis_error_message(error.get()));
    }
}

Guard open_guard(const std::string &level) {
    const Options options(portcullis_options_new());
    portcullis_error *error = nullptr;
    if (!level.empty()) {
        expect(portcullis_options_set_level(options.get(), level.data(), level.size(), &error), error);
    }
    portcullis_guard *guard = nullptr;
    const auto status = portcullis_guard_open(options.get(), &guard, &error);
    expect(status, error);
    return Guard(guard);
}

void show(portcullis_stream *stream) {
    std::array<char, 256> buffer;
    while (const auto count = portcullis_stream_read(stream, buffer.data(), buffer.size())) {
        std::cout.write(buffer.data(), static_cast<std::streamsize>(count));
    }
    std::cout.flush();
}

int run(const std::string &level) {
    const Guard guard = open_guard(level);
    portcullis_error *error = nullptr;
    portcullis_stream *raw = nullptr;
    const auto status = portcullis_stream_open(guard.get(), PORTCULLIS_ROLE_ASSISTANT, &raw, &error);
    expect(status, error);
    const Stream stream(raw);

    // A few bytes at a time, as a model writes them: where they are cut makes no difference.
    std::array<char, 7> token;
    while (!portcullis_stream_is_closed(stream.get()) &&
           (std::cin.read(token.data(), token.size()) || std::cin.gcount() > 0)) {
        const auto count = static_cast<std::size_t>(std::cin.gcount());
        const auto pushed = portcullis_stream_push(stream.get(), token.data(), count, &error);
        expect(pushed, error);
        show(stream.get());
    }
    const auto finished = portcullis_stream_finish(stream.get(), &error);
    expect(finished, error);
    show(stream.get());
    return portcullis_stream_decision(stream.get()) < PORTCULLIS_DECISION_ESCALATE ? 0 : 1;
}

}  // namespace

int main(int argc, char **argv) {
    try {
        return run(argc > 1 ? argv[1] : "");
    } catch (const std::exception &error) {
        std::cerr << error.what() << '\n';
        return 2;
    }
}
