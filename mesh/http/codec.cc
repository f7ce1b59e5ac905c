// SPDX-License-Identifier: BSD-3-Clause
// The one file that includes Beast, and below it Asio's buffers; neither does I/O here.
#include "mesh/http/codec.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/serializer.hpp>
#include <boost/beast/http/vector_body.hpp>
#include <utility>

#include "mesh/base/assert.h"

namespace weft::http {
namespace {

namespace beast = boost::beast::http;
using Body = beast::vector_body<std::uint8_t>;
using BeastError = boost::beast::error_code;

HttpError to_http_error(const BeastError& error) {
  if (error == beast::error::header_limit) return HttpError::header_too_large;
  if (error == beast::error::body_limit) return HttpError::body_too_large;
  return HttpError::malformed;
}

bool clean(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

template <typename BeastMessage>
void put_fields(BeastMessage& out, const Fields& fields) {
  for (const Field& field : fields) {
    WEFT_ASSERT(clean(field.name) && clean(field.value));
    out.insert(field.name, field.value);
  }
}

template <typename BeastMessage>
Fields take_fields(const BeastMessage& message) {
  Fields fields;
  for (const auto& field : message) {
    fields.push_back({std::string(field.name_string()), std::string(field.value())});
  }
  return fields;
}

template <bool kIsRequest>
Bytes write_all(beast::message<kIsRequest, Body, beast::fields>& message) {
  Bytes out;
  beast::serializer<kIsRequest, Body> serializer(message);
  while (!serializer.is_done()) {
    BeastError error;
    std::size_t count = 0;
    serializer.next(error, [&](BeastError&, const auto& buffers) {
      for (auto it = boost::asio::buffer_sequence_begin(buffers); it != boost::asio::buffer_sequence_end(buffers);
           ++it) {
        const boost::asio::const_buffer buffer = *it;
        const auto* data = static_cast<const std::uint8_t*>(buffer.data());
        out.insert(out.end(), data, data + buffer.size());
        count += buffer.size();
      }
    });
    WEFT_ASSERT(!error);
    serializer.consume(count);
  }
  return out;
}

/// Beast's parser fed piece by piece. Beast limits each part of a header; this limits the whole. Bodies in chunks are
/// not read: nothing here needs them, and Beast 1.81 asserts on some malformed last chunks that come in two pieces
/// (found by fuzzing). A request with one is refused; of a response the header is taken and what follows is dropped.
template <bool kIsRequest>
class Feeder {
 public:
  Feeder() {
    parser_.header_limit(kHeaderLimit);
    parser_.body_limit(kBodyLimit);
  }

  void expect_no_body() {
    parser_.skip(true);
    bodiless_ = true;
  }

  void handle_data(ByteView bytes) {
    if (failed_) return;
    pending_.insert(pending_.end(), bytes.begin(), bytes.end());
    std::size_t used = 0;
    while (!failed_ && !done() && used < pending_.size()) {
      BeastError error;
      const std::size_t count = parser_.put({pending_.data() + used, pending_.size() - used}, error);
      used += count;
      count_header(count, pending_.size() - used);
      if (error == beast::error::need_more) break;
      if (error && !failed_) failed_ = to_http_error(error);
      if (kIsRequest && !failed_ && in_chunks()) failed_ = HttpError::malformed;
    }
    pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(used));
    if (!failed_ && !done() && pending_.size() > kHeaderLimit) failed_ = HttpError::header_too_large;
    if (failed_ || in_chunks()) pending_ = {};
  }

  void handle_end() {
    if (failed_ || done()) return;
    BeastError error = beast::error::end_of_stream;
    if (parser_.got_some()) parser_.put_eof(error);
    if (error) failed_ = to_http_error(error);
  }

  /// Beast's message, once and only when it is whole.
  const beast::message<kIsRequest, Body, beast::fields>* take() {
    if (failed_ || !done() || std::exchange(taken_, true)) return nullptr;
    return &parser_.get();
  }
  std::optional<HttpError> failed() const { return failed_; }
  Bytes take_rest() { return done() ? std::exchange(pending_, {}) : Bytes{}; }

 private:
  bool in_chunks() const { return !bodiless_ && parser_.is_header_done() && parser_.chunked(); }
  bool done() const { return parser_.is_done() || in_chunks(); }
  void count_header(std::size_t consumed, std::size_t waiting) {
    if (header_counted_) return;
    header_size_ += consumed;
    header_counted_ = parser_.is_header_done();
    if (header_size_ + (header_counted_ ? 0 : waiting) > kHeaderLimit) failed_ = HttpError::header_too_large;
  }

  beast::parser<kIsRequest, Body> parser_;
  Bytes pending_;
  std::size_t header_size_ = 0;
  bool header_counted_ = false;
  bool bodiless_ = false;
  bool taken_ = false;
  std::optional<HttpError> failed_;
};

}  // namespace

Bytes serialize(const Request& message) {
  WEFT_ASSERT(clean(message.method) && clean(message.target));
  beast::request<Body> out;
  out.method_string(message.method);
  out.target(message.target);
  out.version(message.http_1_1 ? 11 : 10);
  put_fields(out, message.fields);
  out.body() = message.body;
  if (!message.body.empty()) out.content_length(message.body.size());
  return write_all(out);
}

Bytes serialize(const Response& message) {
  WEFT_ASSERT(clean(message.reason) && message.status >= 100 && message.status <= 999);
  const bool bodiless = message.status < 200 || message.status == 204 || message.status == 304;
  WEFT_ASSERT(!bodiless || message.body.empty());
  beast::response<Body> out;
  out.version(11);
  out.result(static_cast<unsigned>(message.status));
  out.reason(message.reason);
  put_fields(out, message.fields);
  out.body() = message.body;
  if (!bodiless) out.content_length(message.body.size());
  return write_all(out);
}

struct RequestParser::State : Feeder<true> {};

RequestParser::RequestParser() : state_(std::make_unique<State>()) {}
RequestParser::RequestParser(RequestParser&&) noexcept = default;
RequestParser& RequestParser::operator=(RequestParser&&) noexcept = default;
RequestParser::~RequestParser() = default;
void RequestParser::handle_data(ByteView bytes) { state_->handle_data(bytes); }
std::optional<HttpError> RequestParser::failed() const { return state_->failed(); }
Bytes RequestParser::take_rest() { return state_->take_rest(); }

std::optional<Request> RequestParser::poll_request() {
  const auto* message = state_->take();
  if (message == nullptr) return std::nullopt;
  return Request{std::string(message->method_string()), std::string(message->target()), message->version() >= 11,
                 take_fields(*message), message->body()};
}

struct ResponseParser::State : Feeder<false> {};

ResponseParser ResponseParser::of_connect() {
  ResponseParser parser;
  parser.state_->expect_no_body();
  return parser;
}

ResponseParser::ResponseParser() : state_(std::make_unique<State>()) {}
ResponseParser::ResponseParser(ResponseParser&&) noexcept = default;
ResponseParser& ResponseParser::operator=(ResponseParser&&) noexcept = default;
ResponseParser::~ResponseParser() = default;
void ResponseParser::handle_data(ByteView bytes) { state_->handle_data(bytes); }
void ResponseParser::handle_end() { state_->handle_end(); }
std::optional<HttpError> ResponseParser::failed() const { return state_->failed(); }
Bytes ResponseParser::take_rest() { return state_->take_rest(); }

std::optional<Response> ResponseParser::poll_response() {
  const auto* message = state_->take();
  if (message == nullptr) return std::nullopt;
  return Response{static_cast<int>(message->result_int()), std::string(message->reason()), take_fields(*message),
                  message->body()};
}

}  // namespace weft::http
