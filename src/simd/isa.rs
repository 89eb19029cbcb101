//! Which instruction set runs: detected, or forced by `RESIDUAL_ISA`.

use crate::error::Error;
use std::{env, fmt, str::FromStr, sync::OnceLock};

/// The environment variable that forces an instruction set.
const VARIABLE: &str = "RESIDUAL_ISA";

/// A set of vector instructions.
///
/// ```
/// use residual::simd::Isa;
/// assert!(Isa::available().contains(&Isa::Scalar));
/// assert_eq!("avx2".parse::<Isa>().ok(), Some(Isa::Avx2));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Isa {
    /// Plain Rust, which the compiler vectorises for the baseline of the target.
    Scalar,
    /// x86-64 with AVX2 and FMA: 16 registers of 8 `f32`.
    Avx2,
    /// x86-64 with AVX-512F: 32 registers of 16 `f32`.
    Avx512,
    /// AArch64: 32 registers of 4 `f32`.
    Neon,
}

impl Isa {
    const ALL: [Isa; 4] = [Isa::Scalar, Isa::Avx2, Isa::Avx512, Isa::Neon];

    /// The instruction sets of this machine, slowest first.
    pub fn available() -> Vec<Isa> {
        Self::ALL.into_iter().filter(|isa| isa.is_available()).collect()
    }

    /// Whether this machine has these instructions.
    pub fn is_available(self) -> bool {
        match self {
            Isa::Scalar => true,
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => super::x86::Avx2::detect().is_some(),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => super::x86::Avx512::detect().is_some(),
            #[cfg(target_arch = "aarch64")]
            Isa::Neon => super::neon::Neon::detect().is_some(),
            #[allow(unreachable_patterns)]
            _ => false,
        }
    }

    /// The instruction set that operations use: the one that `RESIDUAL_ISA` names, or the best.
    ///
    /// # Errors
    /// If `RESIDUAL_ISA` names no instruction set, or one that this machine lacks.
    pub fn from_env() -> Result<Isa, Error> {
        let best = Self::available().into_iter().max().unwrap_or(Isa::Scalar);
        let Some(name) = env::var_os(VARIABLE) else { return Ok(best) };
        let name = name.to_string_lossy();
        let isa: Isa = name.parse()?;
        if isa.is_available() { Ok(isa) } else { Err(unusable(&name)) }
    }

    /// [`Isa::from_env`], asked once.
    ///
    /// # Panics
    /// Where `from_env` would return an error: ask it first to report the error.
    pub fn current() -> Isa {
        static CURRENT: OnceLock<Isa> = OnceLock::new();
        *CURRENT.get_or_init(|| Self::from_env().unwrap_or_else(|error| panic!("{error}")))
    }

    /// The name that `RESIDUAL_ISA` takes.
    pub fn name(self) -> &'static str {
        match self {
            Isa::Scalar => "scalar",
            Isa::Avx2 => "avx2",
            Isa::Avx512 => "avx512",
            Isa::Neon => "neon",
        }
    }

    #[cold]
    pub(super) fn missing(self) -> ! {
        panic!("this machine has no {self} instructions; it has {}", list(&Self::available()))
    }
}

impl FromStr for Isa {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|isa| isa.name() == name).ok_or_else(|| unusable(name))
    }
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

fn unusable(name: &str) -> Error {
    Error::Argument {
        name: VARIABLE.into(),
        expected: format!("an instruction set of this machine ({})", list(&Isa::available())),
        found: format!("`{name}`"),
        hint: "unset it to use the fastest".into(),
    }
}

fn list(isas: &[Isa]) -> String {
    isas.iter().map(|isa| isa.name()).collect::<Vec<_>>().join(", ")
}
