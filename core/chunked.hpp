#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

/// The chunked transfer coding (RFC 9112 section 7.1), strictly: hexadecimal sizes only, overflow
/// refused, CRLF exact, data followed by CRLF. Extensions are dropped and bounded.
namespace sluice::core {

/// Decodes a chunked body from pieces of any size. Holds no body octets: `Piece::data` is a view
/// into what was fed. The trailer section is collected (bounded) and available at the end.
class ChunkDecoder {
 public:
  enum class Status : std::uint8_t {
    more,  ///< everything fed was consumed, feed more
    data,  ///< `data` holds body octets; call again with the rest
    done,  ///< the body is complete; octets behind `consumed` belong to the next message
    bad,   ///< the coding is broken; nothing behind this point can be trusted
  };
  struct Piece {
    Status status = Status::more;
    std::size_t consumed = 0;  ///< octets of `in` this step used, `data` included
    std::string_view data;     ///< view into `in`
  };

  static constexpr std::size_t max_line = 1024;      ///< a size line with its extensions
  static constexpr std::size_t max_trailers = 8192;  ///< the trailer section as a whole
  /// Coding octets of a body beyond twice its data and 16 for each chunk: what bounds extensions
  /// spread over many small chunks.
  static constexpr std::uint64_t max_excess = 16384;

  /// Takes one step through `in`. Behind `done` and `bad` it stays there and consumes nothing.
  Piece feed(std::string_view in);

  /// The trailer lines that may be passed on, each ending in CRLF, in order: well-formed fields
  /// only, with those for framing, routing, authentication and content handling dropped (RFC 9110
  /// section 6.5.1). Valid after `done`. Often empty.
  const std::string& trailers() const { return trailers_; }

  /// Ready for another body; keeps capacity.
  void reset();

 private:
  enum class State : std::uint8_t {
    size,       ///< in the digits of a size line
    blank,      ///< in white space between size and extension
    extension,  ///< behind the ';' of a size line
    size_lf,    ///< behind the CR of a size line
    data,       ///< `left_` octets of data to come
    data_cr,    ///< data is over, CR to come
    data_lf,    ///< data is over, LF to come
    trailer,    ///< behind the last chunk, in the trailer section
    done,
    bad,
  };

  State after(char octet);
  State after_size(char octet);
  State after_size_line();
  Piece take_data(std::string_view in, std::size_t from);
  std::size_t take_trailer(std::string_view in, std::size_t from);
  State after_trailer_line(std::string_view line);

  State state_ = State::size;
  std::uint64_t left_ = 0;        // of the chunk: its size, then what is still to come
  std::uint64_t excess_ = 0;      // see max_excess
  std::size_t digits_ = 0;        // in the size line so far
  std::size_t line_size_ = 0;     // octets of the size line so far
  std::size_t trailer_size_ = 0;  // octets of the trailer section so far
  std::string line_;              // the trailer line that is still incomplete
  std::string trailers_;
};

/// Room that `write_chunk_size` needs.
inline constexpr std::size_t chunk_size_room = 18;

/// Writes the size line ("1a0\r\n") of a chunk with `size` octets to `out` and returns its length.
/// `size` is above zero. The caller writes data and "\r\n" behind it.
std::size_t write_chunk_size(char (&out)[chunk_size_room], std::uint64_t size);

}  // namespace sluice::core
