import COpenBLAS
import Diagnostics
import Glibc

/// OpenBLAS, loaded when the first product wants it.
///
/// Linked in, it would start a thread a processor before the program begins, and where the system gives no thread or no
/// addresses for them it ends the program or waits for ever.
struct MatrixLibrary: @unchecked Sendable {
  static let shared = MatrixLibrary()

  /// The single-precision product of cblas.h.
  typealias Product =
    @convention(c) (
      CBLAS_ORDER, CBLAS_TRANSPOSE, CBLAS_TRANSPOSE, Int32, Int32, Int32, Float, UnsafePointer<Float>, Int32,
      UnsafePointer<Float>, Int32, Float, UnsafeMutablePointer<Float>, Int32
    ) -> Void

  let product: Product
  let configuration: String
  /// The processor that the library chose its kernels for, such as `Haswell`; `OPENBLAS_CORETYPE` rules it.
  let core: String
  /// Held during a product where addresses are limited; nil elsewhere.
  ///
  /// OpenBLAS takes 128 MB of addresses for every thread inside, and asks again for ever when there are none.
  let turn: UnsafeMutablePointer<pthread_mutex_t>?

  private let library: UnsafeMutableRawPointer

  private static let bufferBytes = 1 << 28

  private init() {
    // The tiles are ours, and so are the threads.
    setenv("OPENBLAS_NUM_THREADS", "1", 1)
    var limit = rlimit()
    let isLimited = getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0 && limit.rlim_cur != rlim_t.max
    if isLimited { Self.checkAddresses() }
    guard let library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL) else {
      stop("Cannot load OpenBLAS: \(dlerror().map { String(cString: $0) } ?? "it is missing")")
    }
    self.library = library
    product = Self.find("cblas_sgemm", Product.self, in: library)
    Self.find("openblas_set_num_threads", (@convention(c) (Int32) -> Void).self, in: library)(1)
    let words = Self.find("openblas_get_config", (@convention(c) () -> UnsafePointer<CChar>?).self, in: library)()
    configuration = words.map { String(cString: $0) } ?? ""
    let core = Self.find("openblas_get_corename", (@convention(c) () -> UnsafePointer<CChar>?).self, in: library)()
    self.core = core.map { String(cString: $0) } ?? ""
    turn = isLimited ? .allocate(capacity: 1) : nil
    if let turn { pthread_mutex_init(turn, nil) }
  }

  /// A function that is wanted by few; `type` is a C function's.
  func function<Function>(_ name: String, _ type: Function.Type) -> Function { Self.find(name, type, in: library) }

  private static func find<Function>(
    _ name: String, _ type: Function.Type, in library: UnsafeMutableRawPointer
  ) -> Function {
    guard let symbol = dlsym(library, name) else { stop("Cannot use OpenBLAS: it has no function `\(name)`") }
    return unsafeBitCast(symbol, to: type)
  }

  /// Stops the program where the library would wait for ever.
  private static func checkAddresses() {
    let found = mmap(nil, bufferBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
    guard let found, found != MAP_FAILED else {
      stop("Out of memory: the matrix library wants \(bufferBytes >> 20) MB of addresses; raise `ulimit -v`")
    }
    munmap(found, bufferBytes)
  }
}
