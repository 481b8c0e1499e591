// Signatures only, of what the firmware uses from System.Device.Gpio; the bodies are never run.

[assembly: System.Reflection.AssemblyVersion("1.1.62.0")]

namespace System.Device.Gpio
{
    public sealed class GpioController : System.IDisposable
    {
        public System.Device.Gpio.GpioPin OpenPin(int p0, System.Device.Gpio.PinMode p1) => throw null;
        public GpioController() => throw null;
        void System.IDisposable.Dispose() => throw null;
    }

    public sealed class GpioPin : System.IDisposable
    {
        public System.Device.Gpio.PinValue Read() => throw null;
        public void Write(System.Device.Gpio.PinValue p0) => throw null;
        internal GpioPin() => throw null;
        void System.IDisposable.Dispose() => throw null;
    }

    public enum PinMode
    {
        Input = 0,
        InputPullDown = 1,
        InputPullUp = 2,
        Output = 3,
        OutputOpenDrain = 4,
        OutputOpenDrainPullUp = 5,
        OutputOpenSource = 6,
        OutputOpenSourcePullDown = 7,
    }

    public struct PinValue
    {
        public static bool operator ==(System.Device.Gpio.PinValue p0, System.Device.Gpio.PinValue p1) => throw null;
        public static bool operator !=(System.Device.Gpio.PinValue p0, System.Device.Gpio.PinValue p1) => throw null;
        public static System.Device.Gpio.PinValue High { get => throw null; }
        public static System.Device.Gpio.PinValue Low { get => throw null; }
    }
}
